using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Mounts a disk for the node, and puts a file system on it first when there is nothing on it at all.</summary>
sealed class DiskMount(VolumeContext context, ProgramMounts mounts)
{
    const int BlkidFoundNothing = 2, FsckUncorrected = 4;

    /// <param name="fsType">Empty means what is on the disk, and ext4 for an empty one.</param>
    /// <exception cref="VolumeException">In upstream's words.</exception>
    public async Task MountAsync(string device, string target, string fsType, bool readOnly, IEnumerable<string> options, CancellationToken ct)
    {
        if (MountTable.Read().At(target) is not null) return;
        string? there = context.Mounts.CanOwn ? await FormatAsync(device, ct).ConfigureAwait(false) : "";
        if (fsType.Length == 0) fsType = there is { Length: > 0 } ? there : "ext4";
        if (context.Mounts.CanOwn)
        {
            if (there is not null)
            {
                if (!readOnly) await CheckAsync(device, ct).ConfigureAwait(false);
            }
            else if (readOnly) throw new VolumeException($"cannot mount unformatted disk {device} as we are manipulating it in read-only mode");
            else await MakeAsync(device, fsType, ct).ConfigureAwait(false);
        }
        await mounts.MountAsync(fsType, device, target, options.Append(readOnly ? "ro" : "rw").Append("defaults").Distinct(), ct).ConfigureAwait(false);
    }

    /// <returns>The file system on the disk, empty for something else; null for nothing, which is only where that is said in so many words: whatever else there may be is not written over.</returns>
    /// <exception cref="VolumeException">It cannot be told.</exception>
    async Task<string?> FormatAsync(string device, CancellationToken ct)
    {
        mounts.Programs.Need("blkid", "disk", "util-linux");
        var run = await mounts.Programs.RunAsync("blkid", ["-p", "-s", "TYPE", "-s", "PTTYPE", "-o", "export", device], ct).ConfigureAwait(false);
        if (run.Code == BlkidFoundNothing) return null;
        if (run.Failed) throw new VolumeException($"failed to get disk format of disk {device}: exit status {run.Code}: {run.Output.Trim()}");
        const string type = "TYPE=";
        return run.Output.Split('\n').FirstOrDefault(l => l.StartsWith(type, StringComparison.Ordinal))?[type.Length..].Trim() ?? "";
    }

    async Task CheckAsync(string device, CancellationToken ct)
    {
        if (mounts.Programs.Find("fsck") is null) return; // as upstream: then it is mounted as it is
        var run = await mounts.Programs.RunAsync("fsck", ["-a", device], ct).ConfigureAwait(false);
        if (run.Code == FsckUncorrected) throw new VolumeException($"'fsck' found errors on device {device} but could not correct them: {run.Output.Trim()}");
    }

    async Task MakeAsync(string device, string fsType, CancellationToken ct)
    {
        string program = "mkfs." + fsType;
        mounts.Programs.Need(program, "disk", fsType switch { "xfs" => "xfsprogs", "btrfs" => "btrfs-progs", _ => "e2fsprogs" });
        string[] arguments = fsType switch { "ext3" or "ext4" => ["-F", "-m0", device], "xfs" => ["-f", device], _ => [device] };
        var run = await mounts.Programs.RunAsync(program, arguments, ct).ConfigureAwait(false);
        if (run.Failed) throw new VolumeException($"format of disk \"{device}\" failed: type:(\"{fsType}\") errcode:(exit status {run.Code}) output:({run.Output.Trim()})");
    }
}
