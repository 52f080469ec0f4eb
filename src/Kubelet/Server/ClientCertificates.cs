using System.Security.Cryptography.X509Certificates;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Kubelet.Server;

/// <summary>Reads who a client certificate is of, and whether it is to be believed.</summary>
static class ClientCertificates
{
    const string ApiServer = "kube-apiserver-kubelet-client", Masters = "system:masters";

    /// <returns>Whether the certificate is for a client and comes from one of the authorities.</returns>
    public static bool IsTrusted(X509Certificate2 certificate, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new("1.3.6.1.5.5.7.3.2")); // client authentication
        return chain.Build(certificate);
    }

    public static (string User, string[] Groups) Identity(X509Certificate2 certificate)
    {
        string user = "";
        var groups = new List<string>();
        foreach (var (id, value) in SubjectParts.Of(certificate.SubjectName))
            if (id == SubjectParts.CommonName) user = value;
            else if (id == SubjectParts.Organization) groups.Add(value);
        return (user, [.. groups]);
    }

    /// <summary>The API server itself, or somebody who may do everything anyway.</summary>
    public static bool IsApiServer(string user, IEnumerable<string> groups) => user == ApiServer || groups.Contains(Masters);
}
