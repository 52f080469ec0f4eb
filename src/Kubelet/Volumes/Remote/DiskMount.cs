using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Mounts a disk for the node, and puts a file system on it first when there is nothing on it at all.</summary>
sealed class DiskMount(VolumeContext context, ProgramMounts mounts)
{
    const int BlkidFoundNothing = 2, FsckUncorrected = 4;

    /// <param name="fsType">Empty means ext4.</param>
    /// <exception cref="VolumeException">In upstream's words.</exception>
    public async Task MountAsync(string device, string target, string fsType, bool readOnly, IEnumerable<string> options, CancellationToken ct)
    {
        if (MountTable.Read().At(target) is not null) return;
        if (fsType.Length == 0) fsType = "ext4";
        if (context.Mounts.CanOwn)
        {
            if (await FormatAsync(device, ct).ConfigureAwait(false) is { Length: > 0 })
            {
                if (!readOnly) await CheckAsync(device, ct).ConfigureAwait(false);
            }
            else if (readOnly) throw new VolumeException($"cannot mount unformatted disk {device} as we are manipulating it in read-only mode");
            else await MakeAsync(device, fsType, ct).ConfigureAwait(false);
        }
        await mounts.MountAsync(fsType, device, target, options.Append(readOnly ? "ro" : "rw").Append("defaults").Distinct(), ct).ConfigureAwait(false);
    }

    /// <summary>What is on the disk; empty when nothing is.</summary>
    /// <exception cref="VolumeException">It cannot be told, or is something that may be worth keeping.</exception>
    async Task<string> FormatAsync(string device, CancellationToken ct)
    {
        mounts.Programs.Need("blkid", "disk", "util-linux");
        var run = await mounts.Programs.RunAsync("blkid", ["-p", "-s", "TYPE", "-s", "PTTYPE", "-o", "export", device], ct).ConfigureAwait(false);
        if (run.Code == BlkidFoundNothing) return "";
        if (run.Failed) throw new VolumeException($"failed to get disk format of disk {device}: exit status {run.Code}: {run.Output.Trim()}");
        string type = "", table = "";
        foreach (string line in run.Output.Split('\n'))
            if (line.StartsWith("TYPE=", StringComparison.Ordinal)) type = line[5..].Trim();
            else if (line.StartsWith("PTTYPE=", StringComparison.Ordinal)) table = line[7..].Trim();
        return type.Length > 0 ? type : table.Length > 0 ? "unknown data, probably partitions" : "";
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
