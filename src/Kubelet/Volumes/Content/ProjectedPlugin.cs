using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Several sources in one folder; above all the service account's token, CA and namespace that every Pod gets.</summary>
sealed class ProjectedPlugin(VolumeContext context) : ContentPlugin(context)
{
    const long DefaultLifetime = 3600;
    const int Private = 0x180; // 0600

    public override string Name => "kubernetes.io/projected";

    public override bool Serves(Volume volume) => volume.Projected is not null;

    protected override async Task<List<ContentFile>> FilesAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var source = volume.Projected!;
        List<ContentFile> files = [];
        List<string> errors = [];
        foreach (var part in source.Sources)
        {
            try { files.AddRange(await PartAsync(pod, part, source.DefaultMode, ct)); }
            catch (VolumeException e) { errors.Add(e.Message); } // as upstream: all that is missing is told at once
        }
        return errors.Count == 0 ? files : throw new VolumeException(errors.Count == 1 ? errors[0] : $"[{string.Join(", ", errors)}]");
    }

    async Task<List<ContentFile>> PartAsync(Pod pod, VolumeProjection part, int? mode, CancellationToken ct)
    {
        if (part.Secret is { } secret) return await SecretAsync(pod, secret.Name, secret.Items, mode, secret.Optional == true, ct);
        if (part.ConfigMap is { } map) return await ConfigMapAsync(pod, map.Name, map.Items, mode, map.Optional == true, ct);
        if (part.DownwardAPI is { } fields) return DownwardApiPlugin.Files(pod, fields.Items, mode, Context.Objects.Node);
        if (part.ServiceAccountToken is { } token) return [await TokenAsync(pod, token, mode, ct)];
        if (part.ClusterTrustBundle is { } bundle)
            return [new(bundle.Path, Bytes.FromText(await TrustBundles.ReadAsync(Context.Objects, bundle, ct)), ContentFiles.ModeOr(mode))];
        if (part.PodCertificate is { } certificate)
            throw new VolumeException($"PodCertificate projection is not supported by this kubelet (signer \"{certificate.SignerName}\")");
        return [];
    }

    async Task<ContentFile> TokenAsync(Pod pod, ServiceAccountTokenProjection source, int? mode, CancellationToken ct)
    {
        // Who may read the token: everyone in the Pod, unless the Pod says who is in it.
        long? user = FsGroup.SingleUser(pod);
        int permissions = user is not null || pod.Spec.SecurityContext?.FsGroup is not null ? Private : ContentFiles.ModeOr(mode);
        var lifetime = TimeSpan.FromSeconds(source.ExpirationSeconds ?? DefaultLifetime);
        try { return new(source.Path, Bytes.FromText(await Context.Tokens.GetAsync(pod, source.Audience, lifetime, ct)), permissions, user); }
        catch (ApiException e) { throw new VolumeException($"failed to fetch token: {e.Message}", e); }
    }
}
