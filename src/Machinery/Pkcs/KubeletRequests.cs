using Hanbae.Api;

namespace Hanbae.Machinery.Pkcs;

/// <summary>Tells whether a request is what a kubelet asks for: as a client of the API server, or to serve its own API. Upstream's texts say what is not right.</summary>
public static class KubeletRequests
{
    public const string ClientSigner = "kubernetes.io/kube-apiserver-client-kubelet", ServingSigner = "kubernetes.io/kubelet-serving";
    const string Nodes = "system:nodes", NodePrefix = "system:node:";

    static readonly string[] s_client = ["client auth", "digital signature", "key encipherment"], s_serving = ["digital signature", "key encipherment", "server auth"];

    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? NotClient(CertificateAsk ask, Seq<string> usages) =>
        NotOfNode(ask)
        ?? (ask.DnsNames.Count > 0 ? "DNS subjectAltNames are not allowed"
        : ask.Emails.Count > 0 ? "Email subjectAltNames are not allowed"
        : ask.Addresses.Count > 0 ? "IP subjectAltNames are not allowed"
        : ask.Uris.Count > 0 ? "URI subjectAltNames are not allowed"
        : NotUsages(usages, s_client));

    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? NotServing(CertificateAsk ask, Seq<string> usages) =>
        ask.Organizations is not [Nodes] ? "subject organization is not system:nodes"
        : ask.DnsNames.Count + ask.Addresses.Count == 0 ? "DNS or IP subjectAltName is required"
        : ask.Emails.Count > 0 ? "Email subjectAltNames are not allowed"
        : ask.Uris.Count > 0 ? "URI subjectAltNames are not allowed"
        : NotUsages(usages, s_serving)
        ?? (ask.CommonName.StartsWith(NodePrefix, StringComparison.Ordinal) ? null : "subject common name does not begin with system:node: ");

    static string? NotOfNode(CertificateAsk ask) =>
        ask.Organizations is not [Nodes] ? "subject organization is not system:nodes"
        : ask.CommonName.StartsWith(NodePrefix, StringComparison.Ordinal) ? null : "subject common name does not begin with system:node: ";

    /// <summary>Keys that are not RSA do not encipher keys: without that usage is right, too.</summary>
    static string? NotUsages(Seq<string> usages, string[] required)
    {
        var asked = usages.ToHashSet();
        return asked.SetEquals(required) || asked.SetEquals(required.Where(u => u != "key encipherment")) ? null : $"usages did not match [{string.Join(' ', required)}]";
    }
}
