using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Disks by Fibre Channel: the kernel has them already, or finds them when it is told to look.</summary>
sealed class FcPlugin(VolumeContext context, ProgramMounts mounts) : DiskPlugin(context, mounts)
{
    public override string Name => "kubernetes.io/fc";

    public override bool Serves(Volume volume) => volume.Fc is not null;

    public override bool Serves(PersistentVolumeSpec spec) => spec.Fc is not null;

    protected override WantedDisk Wanted(RemoteWish wish)
    {
        var fc = (wish.Inline?.Fc ?? wish.Persistent?.Fc)!;
        if (fc.Wwids.IsEmpty && (fc.TargetWWNs.IsEmpty || fc.Lun is null)) throw new VolumeException("fc: no fc disk information found. failed to make a new mounter");
        string lun = fc.Lun?.ToString(CultureInfo.InvariantCulture) ?? "";
        var how = new Dictionary<string, string> { ["wwns"] = string.Join(' ', fc.TargetWWNs), ["lun"] = lun, ["wwids"] = string.Join(' ', fc.Wwids.Select(w => w.Replace(' ', '_'))) };
        return new($"{how["wwns"]}-lun-{lun}-{how["wwids"]}", fc.ReadOnly, fc.FsType, how);
    }

    protected override Task<string> AttachAsync(RemoteWish wish, WantedDisk disk, CancellationToken ct)
    {
        // Without a multipath device the bus is asked once more: the other ways may not have been there yet.
        string? found = Found(disk.How).Select(Multipath).FirstOrDefault(d => d is not null);
        if (found is null)
        {
            string hosts = Path.Combine(Programs.Options.Sys, "class/scsi_host");
            if (Directory.Exists(hosts)) foreach (string host in Directory.EnumerateDirectories(hosts)) Tell(Path.Combine(host, "scan"), "- - -");
            string[] there = [.. Found(disk.How)];
            found = there.Select(Multipath).FirstOrDefault(d => d is not null) ?? there.FirstOrDefault();
        }
        return Task.FromResult(found ?? throw new VolumeException("no fc disk found"));
    }

    protected override Task DetachAsync(IReadOnlyDictionary<string, string> how, Func<IEnumerable<IReadOnlyDictionary<string, string>>> others, CancellationToken ct) =>
        RemoveAsync(Found(how).Select(d => Path.GetFileName(d)).Distinct(), ct);

    /// <summary>All ways to the disk that there are now, as devices.</summary>
    IEnumerable<string> Found(IReadOnlyDictionary<string, string> how)
    {
        string disks = Path.Combine(Programs.Options.Dev, "disk");
        string[] wwns = how["wwns"].Split(' ', StringSplitOptions.RemoveEmptyEntries), wwids = how["wwids"].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (string link in Links(Path.Combine(disks, wwns.Length > 0 ? "by-path" : "by-id")))
        {
            string name = Path.GetFileName(link);
            bool ours = wwns.Length > 0
                ? wwns.Any(w => name.EndsWith($"fc-0x{w}-lun-{how["lun"]}", StringComparison.Ordinal) && (name.StartsWith("fc-", StringComparison.Ordinal) || name.StartsWith("pci-", StringComparison.Ordinal)))
                : wwids.Any(w => name == "scsi-" + w);
            if (ours && Native.Status(link, follow: true) is not null) yield return Native.RealPath(link);
        }
    }

    static IEnumerable<string> Links(string folder) => Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal) : [];
}
