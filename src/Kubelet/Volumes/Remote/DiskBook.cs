using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Remembers on disk which disks this node has brought to it and for which Pods, so that each is let go of, whatever becomes of this process.</summary>
/// <remarks>A folder for each disk beneath the kubelet's <c>plugins</c>: how it was got, where it is mounted, and a file for each Pod's volume.</remarks>
/// <param name="kind">As <c>kubernetes.io/iscsi</c>.</param>
sealed class DiskBook(VolumeContext context, string kind)
{
    string Root => Path.Combine(context.Folders.Data, "plugins", kind, "disks");

    public string FolderOf(string disk) => Path.Combine(Root, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(disk)).AsSpan(0, 16)));

    public static string MountOf(string folder) => Path.Combine(folder, "mount");

    static string UsersOf(string folder) => Path.Combine(folder, "pods");

    public IReadOnlyList<string> All => Directory.Exists(Root) ? [.. Directory.EnumerateDirectories(Root)] : [];

    /// <summary>Before anybody is asked for anything: whose it will be, and how to take it back.</summary>
    /// <exception cref="IOException"/>
    public static void Write(string folder, string uid, string volume, IEnumerable<KeyValuePair<string, string>> how)
    {
        Directory.CreateDirectory(UsersOf(folder));
        WholeFile.Write(Path.Combine(folder, "disk.json"), CsiNodes.Text(how));
        WholeFile.Write(Path.Combine(UsersOf(folder), $"{uid}~{volume}"), "");
    }

    /// <summary>Pods' volumes that are on the disk: uid and the volume's name.</summary>
    public static IReadOnlyList<(string Uid, string Volume)> Users(string folder) => !Directory.Exists(UsersOf(folder)) ? []
        : [.. Directory.EnumerateFiles(UsersOf(folder)).Select(f => Path.GetFileName(f)).Where(f => f.Contains('~') && !f.EndsWith('~')).Select(f => (f[..f.IndexOf('~')], f[(f.IndexOf('~') + 1)..]))];

    /// <summary>How the disk was got; null when nothing was written, and so nothing done.</summary>
    public static Dictionary<string, string>? Read(string folder)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "disk.json")));
            return json.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString() ?? "");
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException) { return null; }
    }

    public static void Forget(string folder, string uid, string volume) => File.Delete(Path.Combine(UsersOf(folder), $"{uid}~{volume}"));
}
