using Hanbae.Kubelet.Volumes.Content;
using Hanbae.Kubelet.Volumes.Csi;

namespace Hanbae.Kubelet.Volumes;

/// <summary>All kinds of volume that this kubelet has.</summary>
static class Catalog
{
    /// <remarks>Each volume has one source, so the order decides nothing; the common ones come first.</remarks>
    public static IReadOnlyList<IVolumePlugin> Of(VolumeContext context, CsiVolumes csi) =>
    [
        new ProjectedPlugin(context),
        new ConfigMapPlugin(context),
        new SecretPlugin(context),
        new EmptyDirPlugin(context),
        new HostPathPlugin(),
        new DownwardApiPlugin(context),
        new ImagePlugin(),
        new PersistentVolumePlugin(context, csi), // claims and generic ephemeral volumes: hostPath, local and CSI volumes behind them
        new CsiPlugin(csi),
    ];
}
