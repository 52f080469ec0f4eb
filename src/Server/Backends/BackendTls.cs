using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;

namespace Hanbae.Server.Backends;

/// <summary>Whom a webhook or another API server must be certified by.</summary>
static class BackendTls
{
    /// <summary>With a bundle only its authorities are believed, otherwise the machine's.</summary>
    public static SslClientAuthenticationOptions Trusting(Bytes bundle)
    {
        var tls = new SslClientAuthenticationOptions();
        if (bundle.Length == 0) return tls;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try { policy.CustomTrustStore.ImportFromPem(bundle.ToText()); }
        catch (CryptographicException) { } // not PEM: then nobody is believed, and the handshake says so
        tls.CertificateChainPolicy = policy;
        return tls;
    }
}
