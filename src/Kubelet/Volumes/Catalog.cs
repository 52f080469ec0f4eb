using Hanbae.Kubelet.Volumes.Content;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Remote;

namespace Hanbae.Kubelet.Volumes;

/// <summary>All kinds of volume that this kubelet has.</summary>
static class Catalog
{
    /// <remarks>Each volume has one source, so the order decides nothing; the common ones come first.</remarks>
    public static IReadOnlyList<IVolumePlugin> Of(VolumeContext context, CsiVolumes csi, Programs programs)
    {
        var remote = Remote(context, new(context, programs));
        return
        [
            new ProjectedPlugin(context),
            new ConfigMapPlugin(context),
            new SecretPlugin(context),
            new EmptyDirPlugin(context),
            new HostPathPlugin(),
            new DownwardApiPlugin(context),
            new ImagePlugin(),
            new PersistentVolumePlugin(context, csi, remote, programs), // claims and generic ephemeral volumes: hostPath, local, CSI and remote volumes behind them
            new CsiPlugin(csi),
            .. remote,
        ];
    }

    /// <summary>Storage that the node's own programs bring here or mount: for Pods that name it themselves, and behind claims.</summary>
    static IReadOnlyList<IRemotePlugin> Remote(VolumeContext context, ProgramMounts mounts) =>
    [
        new NfsPlugin(context, mounts),
        new IscsiPlugin(context, mounts),
        new FcPlugin(context, mounts),
        new CephFsPlugin(context, mounts),
        new RbdPlugin(context, mounts),
        new GlusterFsPlugin(context, mounts),
        new LocalDiskPlugin(context, mounts),
        new FlexPlugin(context, mounts),
    ];
}
