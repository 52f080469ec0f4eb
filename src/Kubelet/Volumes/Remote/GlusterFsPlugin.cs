using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Gluster's file system; its servers are an Endpoints object's addresses. Upstream gave its driver up in 1.26; manifests that have such volumes go on working here.</summary>
sealed class GlusterFsPlugin(VolumeContext context, ProgramMounts mounts) : SharePlugin(context, mounts)
{
    public override string Name => "kubernetes.io/glusterfs";

    public override bool Serves(Volume volume) => volume.Glusterfs is not null;

    public override bool Serves(PersistentVolumeSpec spec) => spec.Glusterfs is not null;

    protected override bool IsReadOnly(RemoteWish wish) => (wish.Inline?.Glusterfs?.ReadOnly ?? wish.Persistent?.Glusterfs?.ReadOnly) == true;

    protected override async Task<Share> ShareAsync(RemoteWish wish, CancellationToken ct)
    {
        Mounts.Programs.Need("mount.glusterfs", "GlusterFS", "glusterfs-client (or glusterfs-fuse)");
        var (name, path, ns) = wish.Inline?.Glusterfs is { } inline ? (inline.Endpoints, inline.Path, wish.Namespace)
            : (wish.Persistent!.Glusterfs!.Endpoints, wish.Persistent.Glusterfs.Path, wish.Persistent.Glusterfs.EndpointsNamespace is { Length: > 0 } own ? own : wish.Namespace);
        var endpoints = await Context.Persistent.EndpointsAsync(ns, name, ct).ConfigureAwait(false) ?? throw new VolumeException($"failed to get endpoint {ns}/{name}: endpoints \"{name}\" not found");
        string[] servers = [.. endpoints.Subsets.SelectMany(s => s.Addresses).Select(a => a.Ip).Distinct().Order(StringComparer.Ordinal)];
        if (servers.Length == 0) throw new VolumeException($"failed to get endpoint {ns}/{name}: it has no addresses");
        string log = Path.Combine(Context.Folders.Data, "plugins", Name, wish.Name, $"{wish.Pod.Metadata.Name}-glusterfs.log");
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        return new("glusterfs", $"{servers[0]}:{path.TrimStart('/')}")
        {
            Options = ["log-level=ERROR", $"log-file={log}", .. servers.Length > 1 ? (string[])["backup-volfile-servers=" + string.Join(':', servers[1..])] : []], Daemon = true,
        };
    }
}
