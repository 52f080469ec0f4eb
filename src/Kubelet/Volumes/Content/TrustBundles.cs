using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta;
using Hanbae.Api.Rest;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>The authorities of a ClusterTrustBundle, or of all of a signer that match, each once, in an order that says nothing (KEP-3257).</summary>
static class TrustBundles
{
    /// <exception cref="VolumeException">There is none, and one is needed.</exception>
    public static async Task<string> ReadAsync(IPodObjects objects, ClusterTrustBundleProjection source, CancellationToken ct)
    {
        bool optional = source.Optional == true;
        IReadOnlyList<ClusterTrustBundle> found;
        string what;
        try
        {
            if (source.Name is { Length: > 0 } name)
            {
                what = $"clustertrustbundle \"{name}\" not found";
                found = await objects.TrustBundlesAsync("metadata.name=" + name, ct);
            }
            else
            {
                what = "combination of signerName and labelSelector matched zero ClusterTrustBundles";
                // No selector matches nothing, an empty one everything.
                found = source.LabelSelector is not { } labels ? [] : [.. (await objects.TrustBundlesAsync("spec.signerName=" + source.SignerName, ct)).Where(b => labels.ToSelector().Matches(b.Metadata.Labels))];
            }
        }
        catch (ApiException e) when (e.IsNotFound) { throw new VolumeException("ClusterTrustBundle projection is not available in cluster: the API server does not serve certificates.k8s.io/v1beta1", e); }
        if (found.Count == 0) return optional ? "" : throw new VolumeException(what);
        return Merge(found);
    }

    static string Merge(IReadOnlyList<ClusterTrustBundle> bundles)
    {
        var blocks = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var bundle in bundles)
        {
            var rest = bundle.Spec.TrustBundle.AsSpan();
            for (; PemEncoding.TryFind(rest, out var block); rest = rest[block.Location.End..])
            {
                byte[] der = System.Convert.FromBase64String(rest[block.Base64Data].ToString());
                // By their digest: nobody is to rely on what comes first.
                blocks.TryAdd(System.Convert.ToHexString(SHA256.HashData(der)), new(PemEncoding.Write("CERTIFICATE", der)));
            }
        }
        return blocks.Values.Aggregate(new StringBuilder(), (text, pem) => text.Append(pem).Append('\n')).ToString();
    }
}
