using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Folders that a server exports by NFS.</summary>
sealed class NfsPlugin(VolumeContext context, ProgramMounts mounts) : SharePlugin(context, mounts)
{
    public override string Name => "kubernetes.io/nfs";

    public override bool Serves(Volume volume) => volume.Nfs is not null;

    public override bool Serves(PersistentVolumeSpec spec) => spec.Nfs is not null;

    static NFSVolumeSource Source(RemoteWish wish) => (wish.Inline?.Nfs ?? wish.Persistent?.Nfs)!;

    protected override bool IsReadOnly(RemoteWish wish) => Source(wish).ReadOnly;

    protected override Task<Share> ShareAsync(RemoteWish wish, CancellationToken ct)
    {
        Mounts.Programs.Need("mount.nfs", "NFS", "nfs-common (or nfs-utils)");
        var source = Source(wish);
        string server = source.Server.Contains(':') && !source.Server.StartsWith('[') ? $"[{source.Server}]" : source.Server;
        return Task.FromResult(new Share("nfs", $"{server}:{source.Path}"));
    }
}
