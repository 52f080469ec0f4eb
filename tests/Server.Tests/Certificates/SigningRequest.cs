using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;

namespace Hanbae.Server.Tests.Certificates;

/// <summary>Certificate requests as clients make them.</summary>
static class SigningRequest
{
    public static CertificateSigningRequest Of(string name, string signer, string commonName, params string[] organizations)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        foreach (string organization in organizations) subject.AddOrganizationName(organization);
        subject.AddCommonName(commonName);
        string pem = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        return new()
        {
            Metadata = new() { Name = name },
            Spec = new() { Request = Bytes.FromText(pem), SignerName = signer, Usages = ["digital signature", "client auth"] },
        };
    }
}
