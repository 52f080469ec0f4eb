using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Several sources in one folder: the service account's token, CA and namespace that every Pod gets; certificates of the Pod's own.</summary>
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
        foreach (var (index, part) in source.Sources.Index())
        {
            try
            {
                files.AddRange(part.PodCertificate is { } certificate ? await CertificateAsync(pod, volume.Name, index, certificate, source.DefaultMode, ct)
                    : await PartAsync(pod, part, source.DefaultMode, ct));
            }
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
        return [];
    }

    async Task<ContentFile> TokenAsync(Pod pod, ServiceAccountTokenProjection source, int? mode, CancellationToken ct)
    {
        var (permissions, user) = ReadersOf(pod, mode);
        var lifetime = TimeSpan.FromSeconds(source.ExpirationSeconds ?? DefaultLifetime);
        try { return new(source.Path, Bytes.FromText(await Context.Tokens.GetAsync(pod, source.Audience, lifetime, ct)), permissions, user); }
        catch (ApiException e) { throw new VolumeException($"failed to fetch token: {e.Message}", e); }
    }

    async Task<List<ContentFile>> CertificateAsync(Pod pod, string volume, int index, PodCertificateProjection source, int? mode, CancellationToken ct)
    {
        var of = await Context.Certificates.GetAsync(pod, volume, index, source, ct);
        var (permissions, user) = ReadersOf(pod, mode);
        (string Path, string Text)[] files = [(source.CredentialBundlePath, of.Key + of.Chain), (source.KeyPath, of.Key), (source.CertificateChainPath, of.Chain)];
        return [.. files.Where(f => f.Path.Length > 0).Select(f => new ContentFile(f.Path, Bytes.FromText(f.Text), permissions, user))];
    }

    /// <summary>Who may read tokens and keys: everyone in the Pod, unless the Pod says who is in it.</summary>
    static (int Mode, long? User) ReadersOf(Pod pod, int? mode)
    {
        long? user = FsGroup.SingleUser(pod);
        return (user is not null || pod.Spec.SecurityContext?.FsGroup is not null ? Private : ContentFiles.ModeOr(mode), user);
    }
}
