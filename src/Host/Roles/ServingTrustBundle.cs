using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Pki;

namespace Hanbae.Host.Roles;

/// <summary>Publishes whom to believe at the API server as a ClusterTrustBundle, where these are served: upstream's kube-apiserver-serving publisher (KEP-3257).</summary>
static class ServingTrustBundle
{
    const string Signer = "kubernetes.io/kube-apiserver-serving", Prefix = "kubernetes.io:kube-apiserver-serving:";

    public static async Task KeepAsync(IApiTransport transport, LivePki live, TimeProvider time, CancellationToken ct)
    {
        var client = new ApiClient(transport, time);
        await foreach (var pki in live.ChangesAsync(first: true, ct)) await PublishAsync(client, pki.Authority.TrustedPem, ct);
    }

    /// <summary>The new one first, then those before it go: nobody finds none.</summary>
    static async Task PublishAsync(ApiClient client, string authorities, CancellationToken ct)
    {
        string name = Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(authorities)).AsSpan(0, 10));
        try { await client.CreateAsync(new ClusterTrustBundle { Metadata = new() { Name = name }, Spec = new() { SignerName = Signer, TrustBundle = authorities } }, ct); }
        catch (ApiException e) when (e.IsAlreadyExists) { }
        foreach (var old in (await client.ListAsync<ClusterTrustBundle>(ListQuery.All with { FieldSelector = "spec.signerName=" + Signer }, ct)).Items)
            if (old.Metadata.Name != name) await client.TryDeleteAsync<ClusterTrustBundle>(Key.Of(old), Api.Meta.V1.DeleteOptions.Empty, ct);
    }
}
