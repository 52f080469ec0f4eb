using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Shows a Secret's keys as files, which are in memory only.</summary>
sealed class SecretPlugin(VolumeContext context) : ContentPlugin(context)
{
    public override string Name => "kubernetes.io/secret";

    public override bool Serves(Volume volume) => volume.Secret is not null;

    protected override Task<List<ContentFile>> FilesAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var source = volume.Secret!;
        return SecretAsync(pod, source.SecretName, source.Items, source.DefaultMode, source.Optional == true, ct);
    }
}
