using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Local;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Local volumes that are a disk of the node and wanted as files: formatted when there is nothing on it, mounted once, and bound for each Pod.</summary>
sealed class LocalDiskPlugin(VolumeContext context, ProgramMounts mounts) : DiskPlugin(context, mounts)
{
    public override string Name => "kubernetes.io/local-volume";

    public override bool Serves(Volume volume) => false; // only behind claims

    /// <remarks>Also once the disk was mounted: what is there of it then is found in the mount table.</remarks>
    public override bool Serves(PersistentVolumeSpec spec) =>
        spec.Local is { } local && spec.VolumeMode != "Block" && !local.Path.Split('/').Contains("..") && Native.Status(local.Path, follow: true) is { IsBlockDevice: true };

    protected override WantedDisk Wanted(RemoteWish wish)
    {
        var local = wish.Persistent!.Local!;
        return new(Native.RealPath(local.Path), ReadOnly: false, local.FsType ?? "", new Dictionary<string, string> { ["path"] = local.Path });
    }

    protected override Task<string> AttachAsync(RemoteWish wish, WantedDisk disk, CancellationToken ct) => Task.FromResult(disk.Id);

    protected override void Give(RemoteWish wish, string mount, string target, CancellationToken ct) => LocalGroup.Give(Context, wish.Pod, wish.Name, mount, target, ct);

    /// <summary>It is the node's own, and stays.</summary>
    protected override Task DetachAsync(IReadOnlyDictionary<string, string> how, Func<IEnumerable<IReadOnlyDictionary<string, string>>> others, CancellationToken ct) => Task.CompletedTask;
}
