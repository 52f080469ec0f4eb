using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Host.Pki;

/// <summary>Who signs a cluster's certificates, and whose signatures are still believed from before.</summary>
/// <param name="Signing">The newest, with its key.</param>
/// <param name="Trusted">The newest and those that it followed, as long as these last.</param>
/// <param name="Crossed">The newest as its forerunner vouches for it: who believes only that one is shown this.</param>
public sealed record Authority(X509Certificate2 Signing, X509Certificate2Collection Trusted, X509Certificate2Collection Crossed)
{
    /// <summary>All that are believed, the newest first.</summary>
    public string TrustedPem => string.Concat(Trusted.Select(c => c.ExportCertificatePem() + "\n"));
}
