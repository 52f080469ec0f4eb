using System.Security.Cryptography;
using System.Text;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>Where CSI volumes are on disk: upstream's layout, so that either kubelet finds what the other left.</summary>
sealed class CsiPaths(PodFolders folders)
{
    const string Plugin = "kubernetes.io/csi", Escaped = "kubernetes.io~csi";

    string Root => Path.Combine(folders.Data, "plugins", Plugin);

    /// <summary>A volume's folder for the whole node; holds <c>globalmount</c> and what is known of it.</summary>
    public string Global(string driver, string handle) => Path.Combine(Root, driver, Hex(handle));

    public string Staging(string driver, string handle) => Path.Combine(Global(driver, handle), "globalmount");

    /// <param name="name">Of the PersistentVolume; of the Pod's volume where it is inline.</param>
    public string Volume(string uid, string name) => Path.Combine(folders.Volumes(uid), Escaped, Flat(name));

    /// <summary>Names of clouds' disks may be paths; as upstream.</summary>
    static string Flat(string name) => name.Replace('/', '~');

    public string Target(string uid, string name) => Path.Combine(Volume(uid, name), "mount");

    string Devices => Path.Combine(Root, "volumeDevices");

    public string Device(string name) => Path.Combine(Devices, Flat(name));

    public string DeviceData(string name) => Path.Combine(Device(name), "data");

    public string DeviceStaging(string name) => Path.Combine(Devices, "staging", Flat(name));

    public string DevicePublished(string name) => Path.Combine(Devices, "publish", Flat(name));

    /// <summary>What leads a Pod to a device: its container is given what is behind it.</summary>
    public string DeviceLink(string uid, string name) => Path.Combine(folders.VolumeDevices(uid), Escaped, Flat(name));

    /// <summary>Names of a Pod's volumes that something is left of.</summary>
    public IEnumerable<string> VolumesOf(string uid) => Names(Path.Combine(folders.Volumes(uid), Escaped));

    public IEnumerable<string> DevicesOf(string uid) => Names(Path.Combine(folders.VolumeDevices(uid), Escaped));

    /// <summary>What is known of each volume that some Pod has, or that is staged.</summary>
    public IEnumerable<VolumeData> Known()
    {
        foreach (string pod in Names(folders.Pods))
            foreach (string name in VolumesOf(pod)) if (VolumeData.Read(Volume(pod, name)) is { } data) yield return data with { PodUid = pod };
        foreach (string name in Names(Devices))
            if (VolumeData.Read(DeviceData(name)) is { } data) yield return data;
    }

    /// <summary>What is known of each volume that is staged, or of which something is left on the node besides Pods'.</summary>
    public IEnumerable<VolumeData> Staged()
    {
        foreach (string driver in Names(Root).Where(d => Path.Combine(Root, d) != Devices))
            foreach (string hash in Names(Path.Combine(Root, driver)))
                if (VolumeData.Read(Path.Combine(Root, driver, hash)) is { } data) yield return data;
        foreach (string name in Names(Devices))
            if (VolumeData.Read(DeviceData(name)) is { } data && !IsPublished(name)) yield return data;
    }

    /// <summary>Whether some Pod has a device.</summary>
    public bool IsPublished(string name) => Names(DevicePublished(name)).Length > 0;

    static string[] Names(string folder) => Directory.Exists(folder) ? [.. Directory.EnumerateFileSystemEntries(folder).Select(f => Path.GetFileName(f))] : [];

    static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The handle of an inline volume, which no driver has given.</summary>
    public static string InlineHandle(string uid, string volume) => "csi-" + Hex(uid + volume);

    public static string AttachmentName(string handle, string driver, string node) => "csi-" + Hex(handle + driver + node);

    /// <summary>As a node's status calls a volume that can be attached.</summary>
    public static string UniqueName(string driver, string handle) => $"{Plugin}/{driver}^{handle}";
}
