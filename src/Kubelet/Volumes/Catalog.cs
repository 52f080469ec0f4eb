using Hanbae.Kubelet.Volumes.Content;

namespace Hanbae.Kubelet.Volumes;

/// <summary>All kinds of volume that this kubelet has.</summary>
static class Catalog
{
    /// <remarks>Each volume has one source, so the order decides nothing; the common ones come first.</remarks>
    public static IReadOnlyList<IVolumePlugin> Of(VolumeContext context) =>
    [
        new ProjectedPlugin(context),
        new ConfigMapPlugin(context),
        new SecretPlugin(context),
        new EmptyDirPlugin(context),
        new HostPathPlugin(),
        new DownwardApiPlugin(context),
        new ImagePlugin(),
        new PersistentVolumePlugin(context), // claims and generic ephemeral volumes: hostPath and local volumes behind them
        new CsiPlugin(),
    ];
}
