using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Host.Pki;

/// <summary>A certificate that nobody vouches for, for a server that was given none: who connects has to believe it as it is.</summary>
static class SelfSigned
{
    public static X509Certificate2 Of(string name, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(time.GetUtcNow().AddHours(-1), time.GetUtcNow().AddYears(1));
    }
}
