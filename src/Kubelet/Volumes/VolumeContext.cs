using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes.Content;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes;

/// <summary>What volume plugins work with.</summary>
sealed class VolumeContext(PodFolders folders, IPodObjects objects, IPersistentVolumes persistent, IMounts mounts, TimeProvider time, IRecorder? events = null)
{
    readonly Lazy<PodFolders> _folders = new(() =>
    {
        Directory.CreateDirectory(folders.Data);
        return folders with { Data = Native.RealPath(folders.Data) }; // the mount table knows no symbolic links
    });

    public PodFolders Folders => _folders.Value;
    public IPodObjects Objects => objects;
    public IPersistentVolumes Persistent => persistent;
    public IMounts Mounts => mounts;
    public TimeProvider Time => time;
    public TokenCache Tokens { get; } = new(objects, time);
    public PodCertificates Certificates { get; } = new(objects, events, time);
    /// <summary>CSI drivers of this node.</summary>
    public CsiDrivers Drivers { get; init; } = new();
    /// <summary>Null where there is nobody to tell.</summary>
    public IRecorder? Events => events;

    /// <summary>Makes a volume's folder, open to all users, unless it is there.</summary>
    /// <remarks>
    /// It appears finished: what is there after a crash was not left half made, and what containers did to it since is not undone. The folder
    /// above keeps the node's other users out, for Secrets' files may be readable by all.
    /// </remarks>
    /// <param name="prepare">Called with the folder before it appears: sets owners.</param>
    /// <exception cref="IOException"/>
    public string MakeFolder(string podUid, string plugin, string volume, Action<string> prepare)
    {
        string folder = Folders.Volume(podUid, plugin, volume);
        MakePrivate(Folders.Volumes(podUid));
        if (Directory.Exists(folder)) return folder;
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        string made = folder + "~"; // no name of a volume has a tilde
        Tree.Delete(made);
        Directory.CreateDirectory(made);
        if (Native.SetMode(made, 0x1FF) is not 0 and var error) throw Tree.Failure("chmod", made, error);
        prepare(made);
        return Native.Rename(made, folder) is 0 or Native.Exists or Native.NotEmpty ? folder : throw new IOException($"cannot make {folder}");
    }

    /// <exception cref="IOException"/>
    public static void MakePrivate(string folder)
    {
        if (Directory.Exists(folder)) return;
        Directory.CreateDirectory(folder);
        if (Native.SetMode(folder, 0x1E8) is not 0 and var error) throw Tree.Failure("chmod", folder, error); // 0750
    }
}
