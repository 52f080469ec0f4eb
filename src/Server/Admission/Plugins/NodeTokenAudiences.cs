using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes.Clouds;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>
/// For whom a node may have a Pod's token made: for those that the Pod's volumes name, or that somebody lets it
/// (ServiceAccountNodeAudienceRestriction, KEP-4412). A part of <see cref="NodeRestriction"/>.
/// </summary>
static class NodeTokenAudiences
{
    const string Verb = "request-serviceaccounts-token-audience";

    /// <param name="audiences">As they are asked for: none is the API server.</param>
    /// <returns>Why not; null when it may.</returns>
    public static async ValueTask<string?> RefusalAsync(ServedObjects objects, IAuthorizer authorizer, Identity user, Pod pod, string account, Seq<string> audiences, CancellationToken ct)
    {
        if (audiences.Count > 1) return "node may only request 0 or 1 audiences";
        string audience = audiences.IsEmpty ? "" : audiences[0];
        foreach (var volume in pod.Spec.Volumes)
            if (await NamesAsync(objects, pod, volume, audience, ct).ConfigureAwait(false)) return null;
        var decision = await authorizer.AuthorizeAsync(new()
        {
            User = user, Verb = Verb, IsResourceRequest = true, ApiVersion = "v1", Namespace = pod.Metadata.Namespace, Resource = audience, Name = account,
        }, ct).ConfigureAwait(false);
        return decision.Verdict == Verdict.Allow ? null : $"audience \"{audience}\" not found in pod spec volume, {user.Name} is not authorized to request tokens for this audience";
    }

    static async ValueTask<bool> NamesAsync(ServedObjects objects, Pod pod, Volume volume, string audience, CancellationToken ct)
    {
        if (volume.Projected is { } projected) return projected.Sources.Exists(s => s.ServiceAccountToken is { } token && token.Audience == audience);
        string driver = volume switch
        {
            { Csi: { } own } => own.Driver,
            { PersistentVolumeClaim: { } claim } => await DriverAsync(objects, pod, claim.ClaimName, ct).ConfigureAwait(false),
            _ when CloudDisks.IsInline(volume) => Inline(volume, pod),
            { Ephemeral: not null } => await DriverAsync(objects, pod, $"{pod.Metadata.Name}-{volume.Name}", ct).ConfigureAwait(false),
            _ => "",
        };
        return driver.Length > 0 && await objects.FindAsync<CSIDriver>("", driver, ct).ConfigureAwait(false) is { } known && known.Spec.TokenRequests.Exists(t => t.Audience == audience);
    }

    /// <summary>The driver of a cloud's disk that the Pod names itself.</summary>
    static string Inline(Volume volume, Pod pod)
    {
        try { return CloudDisks.Inline(volume, pod.Metadata.Namespace)?.Spec.Csi?.Driver ?? ""; }
        catch (FormatException) { return ""; }
    }

    /// <summary>Whose volume the claim has, be it by translation; empty while there is none, or where it is no driver's.</summary>
    static async ValueTask<string> DriverAsync(ServedObjects objects, Pod pod, string claim, CancellationToken ct) =>
        await objects.FindAsync<PersistentVolumeClaim>(pod.Metadata.Namespace, claim, ct).ConfigureAwait(false) is { Spec.VolumeName: { Length: > 0 } name }
        && await objects.FindAsync<PersistentVolume>("", name, ct).ConfigureAwait(false) is { } volume
        && CloudDisks.TryTranslate(volume) is { Spec.Csi: { } source } ? source.Driver : "";
}
