using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Shows a ConfigMap's keys as files.</summary>
sealed class ConfigMapPlugin(VolumeContext context) : ContentPlugin(context)
{
    public override string Name => "kubernetes.io/configmap";
    protected override bool InMemory => false;

    public override bool Serves(Volume volume) => volume.ConfigMap is not null;

    protected override Task<List<ContentFile>> FilesAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var source = volume.ConfigMap!;
        return ConfigMapAsync(pod, source.Name, source.Items, source.DefaultMode, source.Optional == true, ct);
    }
}
