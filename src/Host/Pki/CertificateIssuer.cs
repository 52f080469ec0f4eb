using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Host.Pki;

/// <summary>What a certificate says: who, for what, under which names.</summary>
public sealed record CertificateRequestSpec(string CommonName)
{
    /// <summary>Organizations: Kubernetes reads them as groups.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
    public IReadOnlyList<string> DnsNames { get; init; } = [];
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
    public bool Server { get; init; }
    public bool Client { get; init; }
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(365);
}

/// <summary>Makes keys and certificates (ECDSA P-256) and signs them with a cluster's authority.</summary>
public static class CertificateIssuer
{
    static readonly Oid ServerAuth = new("1.3.6.1.5.5.7.3.1"), ClientAuth = new("1.3.6.1.5.5.7.3.2");

    /// <summary>A self-signed authority for ten years.</summary>
    public static X509Certificate2 Authority(string name, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        // An hour back, for clients whose clock is behind.
        return request.CreateSelfSigned(now.AddHours(-1), now.AddYears(10));
    }

    /// <summary>An authority's name and key, signed by its forerunner: a way to it for who believes only that one.</summary>
    public static X509Certificate2 Vouch(X509Certificate2 forerunner, X509Certificate2 successor, DateTimeOffset now)
    {
        var request = new CertificateRequest(successor.SubjectName, successor.PublicKey, HashAlgorithmName.SHA256);
        foreach (var extension in successor.Extensions) request.CertificateExtensions.Add(extension);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(forerunner, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        return request.Create(forerunner, now.AddHours(-1) < forerunner.NotBefore ? forerunner.NotBefore : now.AddHours(-1), forerunner.NotAfter < successor.NotAfter ? forerunner.NotAfter : successor.NotAfter, Serial());
    }

    static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        return serial;
    }

    /// <returns>The certificate with its private key.</returns>
    public static X509Certificate2 Issue(X509Certificate2 authority, CertificateRequestSpec spec, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedNameBuilder();
        foreach (string group in spec.Groups) name.AddOrganizationName(group);
        name.AddCommonName(spec.CommonName);
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        var usages = new OidCollection();
        if (spec.Server) usages.Add(ServerAuth);
        if (spec.Client) usages.Add(ClientAuth);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (spec.DnsNames.Count + spec.Addresses.Count > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (string dns in spec.DnsNames) names.AddDnsName(dns);
            foreach (var address in spec.Addresses) names.AddIpAddress(address);
            request.CertificateExtensions.Add(names.Build());
        }
        var (start, end) = (now.AddHours(-1), now + spec.Lifetime);
        using var signed = request.Create(authority, start < authority.NotBefore ? authority.NotBefore : start, end < authority.NotAfter ? end : authority.NotAfter, Serial());
        return signed.CopyWithPrivateKey(key);
    }
}
