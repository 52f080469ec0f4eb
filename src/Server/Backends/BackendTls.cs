using System.Net.Security;
using System.Security.Authentication;
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

    /// <summary>Why somebody could not be reached, in Go's words: people look for them.</summary>
    public static string Why(HttpRequestException e)
    {
        for (Exception? inner = e.InnerException; inner is not null; inner = inner.InnerException)
            if (inner is AuthenticationException) return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
            else if (inner is IOException { Message: var text } && inner is not HttpIOException) return text;
        return e.HttpRequestError == HttpRequestError.ResponseEnded ? "EOF" : e.Message;
    }
}
