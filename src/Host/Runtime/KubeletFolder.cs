using Hanbae.Host.Commands;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Host.Runtime;

/// <summary>The kubelet's folder: below the data folder, or, by a link from there, where drivers look for it; and a place mounts spread from, for volumes with Bidirectional propagation.</summary>
/// <remarks>
/// The node runs in the host's own mount namespace: hanbae (as kubelet) and containerd then see each other's mounts whenever either is
/// restarted, without a namespace that somebody has to keep open. All that is missing on hosts whose root is private is a shared mount,
/// and the kubelet's folder mounted on itself is one. Hosts with systemd share the root, and nothing is mounted there.
/// </remarks>
public static class KubeletFolder
{
    /// <summary>Proof that a folder elsewhere is this node's to fill and to empty.</summary>
    const string Marker = ".hanbae-kubelet";

    /// <summary>Where it is in truth.</summary>
    public static string Of(NodePaths paths) => new DirectoryInfo(paths.Kubelet).LinkTarget ?? paths.Kubelet;

    /// <summary>Null for below the data folder, or where what is linked to is not this node's.</summary>
    public static string? Elsewhere(NodePaths paths) => Of(paths) is var folder && folder != paths.Kubelet && IsOurs(paths, folder) ? folder : null;

    /// <summary>Where drivers, charts and tests look: for the machine's own node, when no other kubelet has it and this one has not begun elsewhere.</summary>
    /// <returns>Null where the kubelet is to be below its data folder.</returns>
    public static string? Usual(NodePaths paths, string own = Shared.MachineFolder, string known = "/var/lib/kubelet") =>
        paths.Data == own && Of(paths) == paths.Kubelet && !Path.Exists(paths.Kubelet) && !(Directory.Exists(known) ? Holds(known) is not null : Path.Exists(known)) ? known : null;

    /// <summary>Something in a folder, if anything; one that is a disk of its own has a lost+found from the start.</summary>
    static string? Holds(string folder) => Directory.EnumerateFileSystemEntries(folder).Select(e => Path.GetFileName(e)).FirstOrDefault(e => e != "lost+found");

    /// <summary>Has the kubelet keep its things in another folder, from the beginning.</summary>
    /// <exception cref="RuntimeException">There is something in it, or the kubelet has a folder already.</exception>
    public static void Place(NodePaths paths, string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (folder == Of(paths)) return;
        if (Path.Exists(paths.Kubelet) || Of(paths) != paths.Kubelet)
            throw new RuntimeException($"the kubelet's folder is {Of(paths)} since the kubelet first ran and cannot change; `{Shared.Again("reset", paths.Data)}` removes the cluster, then {folder} can be asked for");
        if (IsIn(folder, paths.Data) || IsIn(paths.Data, folder)) throw new RuntimeException($"the kubelet's folder {folder} and the data folder {paths.Data} must not lie in each other");
        Directory.CreateDirectory(folder);
        if (!IsOurs(paths, folder))
        {
            if (Holds(folder) is { } other)
                throw new RuntimeException($"{folder} already holds {other}, which this node did not put there; choose an empty or new one");
            File.WriteAllText(Path.Combine(folder, Marker), paths.Id + "\n");
        }
        File.CreateSymbolicLink(paths.Kubelet, folder);
    }

    static bool IsIn(string path, string folder) => path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);

    static bool IsOurs(NodePaths paths, string folder)
    {
        string marker = Path.Combine(folder, Marker);
        return File.Exists(marker) && File.ReadAllText(marker).Trim() == paths.Id;
    }

    public static void Prepare(NodePaths paths)
    {
        const UnixFileMode closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        string folder = Of(paths);
        // As upstream's kubelet makes it; one from before is closed, too.
        Directory.CreateDirectory(folder, closed);
        File.SetUnixFileMode(folder, closed);
        var mounts = MountTable.Read();
        if (mounts.Holding(folder) is { Shared: true }) return;
        if (mounts.At(folder) is null) Native.BindToItself(folder);
        Native.MakeShared(folder);
    }

    /// <summary>Takes away all that is mounted in the node's folders, and the kubelet's where that is mounted on itself.</summary>
    /// <returns>As <see cref="Mounts.Detach(string)"/>.</returns>
    internal static IEnumerable<(MountPoint Mount, string? Why)> Detach(NodePaths paths)
    {
        foreach (var each in Mounts.Detach(paths.Data)) yield return each;
        if (Elsewhere(paths) is not { } folder) yield break;
        foreach (var each in Mounts.Detach(folder)) yield return each;
        // A disk of its own, which somebody mounted there, shows its root.
        if (MountTable.Read().At(folder) is { } itself && itself.Root.EndsWith(folder, StringComparison.Ordinal)) yield return (itself, Mounts.DetachOne(itself));
    }
}
