namespace Hanbae.Host.Runtime;

/// <summary>Makes the kubelet's folder a place mounts spread from, for volumes with Bidirectional propagation.</summary>
/// <remarks>
/// The node runs in the host's own mount namespace: hanbae (as kubelet) and containerd then see each other's mounts whenever either is
/// restarted, without a namespace that somebody has to keep open. All that is missing on hosts whose root is private is a shared mount,
/// and the kubelet's folder mounted on itself is one. Hosts with systemd share the root, and nothing is mounted there.
/// </remarks>
public static class KubeletFolder
{
    public static void Prepare(NodePaths paths)
    {
        const UnixFileMode closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        // As upstream's kubelet makes it; one from before is closed, too.
        Directory.CreateDirectory(paths.Kubelet, closed);
        File.SetUnixFileMode(paths.Kubelet, closed);
        var mounts = Mounts.Read();
        if (mounts.Holding(paths.Kubelet) is { Shared: true }) return;
        if (mounts.At(paths.Kubelet) is null) Native.BindToItself(paths.Kubelet);
        Native.MakeShared(paths.Kubelet);
    }
}
