using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Ceph's file system, by the kernel's client. Upstream gave its driver up in 1.31; manifests that have such volumes go on working here.</summary>
sealed class CephFsPlugin(VolumeContext context, ProgramMounts mounts) : SharePlugin(context, mounts)
{
    public override string Name => "kubernetes.io/cephfs";

    public override bool Serves(Volume volume) => volume.Cephfs is not null;

    public override bool Serves(PersistentVolumeSpec spec) => spec.Cephfs is not null;

    protected override bool IsReadOnly(RemoteWish wish) => (wish.Inline?.Cephfs?.ReadOnly ?? wish.Persistent?.Cephfs?.ReadOnly) == true;

    protected override async Task<Share> ShareAsync(RemoteWish wish, CancellationToken ct)
    {
        Mounts.Programs.Need("mount.ceph", "CephFS", "ceph-common");
        var (monitors, path, user, file, ns, name) = wish.Inline?.Cephfs is { } inline
            ? (inline.Monitors, inline.Path, inline.User, inline.SecretFile, wish.Namespace, inline.SecretRef?.Name)
            : wish.Persistent!.Cephfs is { } pv ? (pv.Monitors, pv.Path, pv.User, pv.SecretFile, pv.SecretRef?.Namespace is { Length: > 0 } own ? own : wish.Namespace, pv.SecretRef?.Name)
            : throw new InvalidOperationException();
        var secret = name is { Length: > 0 } ? new SecretFile((await RemoteWish.KeyAsync(Context, ns, name, ct).ConfigureAwait(false)).Span) : null;
        string key = secret?.Path ?? (file.Length > 0 ? file : "/etc/ceph/user.secret");
        return new("ceph", string.Join(',', monitors) + ":" + (path.StartsWith('/') ? path : "/" + path))
        {
            Options = [$"name={(user.Length > 0 ? user : "admin")}", $"secretfile={key}"], Secret = secret,
        };
    }
}
