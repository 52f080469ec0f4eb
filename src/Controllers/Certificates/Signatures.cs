using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Controllers.Certificates;

/// <summary>Makes certificates of requests: the request's subject, names and key, the usages that were asked for beside it, and nothing else of what it says.</summary>
/// <remarks>As upstream's permissive policy: whether the request may be granted was decided before.</remarks>
static class Signatures
{
    /// <summary>For clients whose clock is behind.</summary>
    static readonly TimeSpan s_backdate = TimeSpan.FromMinutes(5);
    /// <summary>A life shorter than this is not shortened by what it is dated back.</summary>
    static readonly TimeSpan s_short = TimeSpan.FromHours(8);

    static readonly Dictionary<string, X509KeyUsageFlags> s_keyUsages = new()
    {
        ["signing"] = X509KeyUsageFlags.DigitalSignature, ["digital signature"] = X509KeyUsageFlags.DigitalSignature, ["content commitment"] = X509KeyUsageFlags.NonRepudiation,
        ["key encipherment"] = X509KeyUsageFlags.KeyEncipherment, ["key agreement"] = X509KeyUsageFlags.KeyAgreement, ["data encipherment"] = X509KeyUsageFlags.DataEncipherment,
        ["cert sign"] = X509KeyUsageFlags.KeyCertSign, ["crl sign"] = X509KeyUsageFlags.CrlSign, ["encipher only"] = X509KeyUsageFlags.EncipherOnly, ["decipher only"] = X509KeyUsageFlags.DecipherOnly,
    };

    static readonly Dictionary<string, string> s_extendedUsages = new()
    {
        ["any"] = "2.5.29.37.0", ["server auth"] = "1.3.6.1.5.5.7.3.1", ["client auth"] = "1.3.6.1.5.5.7.3.2", ["code signing"] = "1.3.6.1.5.5.7.3.3",
        ["email protection"] = "1.3.6.1.5.5.7.3.4", ["s/mime"] = "1.3.6.1.5.5.7.3.4", ["ipsec end system"] = "1.3.6.1.5.5.7.3.5", ["ipsec tunnel"] = "1.3.6.1.5.5.7.3.6",
        ["ipsec user"] = "1.3.6.1.5.5.7.3.7", ["timestamping"] = "1.3.6.1.5.5.7.3.8", ["ocsp signing"] = "1.3.6.1.5.5.7.3.9",
        ["microsoft sgc"] = "1.3.6.1.4.1.311.10.3.3", ["netscape sgc"] = "2.16.840.1.113730.4.1",
    };

    /// <param name="authority">With its private key.</param>
    /// <returns>The certificate as PEM.</returns>
    public static string Sign(X509Certificate2 authority, CertificateAsk ask, Seq<string> usages, TimeSpan lifetime, DateTimeOffset now)
    {
        var request = new CertificateRequest(ask.Request.SubjectName, ask.Request.PublicKey, HashAlgorithmName.SHA256);
        var extensions = request.CertificateExtensions;
        var flags = X509KeyUsageFlags.None;
        var extended = new OidCollection();
        foreach (string usage in usages)
        {
            if (s_keyUsages.TryGetValue(usage, out var flag)) flags |= flag;
            else if (s_extendedUsages.TryGetValue(usage, out string? id) && !extended.OfType<Oid>().Any(o => o.Value == id)) extended.Add(new Oid(id));
        }
        if (flags != X509KeyUsageFlags.None) extensions.Add(new X509KeyUsageExtension(flags, critical: true));
        if (extended.Count > 0) extensions.Add(new X509EnhancedKeyUsageExtension(extended, critical: false));
        extensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        extensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (ask.DnsNames.Count + ask.Emails.Count + ask.Uris.Count + ask.Addresses.Count > 0) extensions.Add(AlternativeNames(ask));

        var end = now + (lifetime < s_short ? lifetime : lifetime - s_backdate);
        if (end > authority.NotAfter) end = authority.NotAfter;
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        using var ecdsa = authority.GetECDsaPrivateKey();
        using var rsa = authority.GetRSAPrivateKey();
        var generator = ecdsa is not null ? X509SignatureGenerator.CreateForECDsa(ecdsa) : X509SignatureGenerator.CreateForRSA(rsa!, RSASignaturePadding.Pkcs1);
        using var signed = request.Create(authority.SubjectName, generator, now - s_backdate, end, serial);
        return signed.ExportCertificatePem() + "\n";
    }

    static X509Extension AlternativeNames(CertificateAsk ask)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (string name in ask.DnsNames) names.AddDnsName(name);
        foreach (string name in ask.Emails) names.AddEmailAddress(name);
        foreach (var address in ask.Addresses) names.AddIpAddress(address);
        foreach (string uri in ask.Uris) names.AddUri(new Uri(uri, UriKind.RelativeOrAbsolute));
        // Who has no other name than these must be believed under them.
        return names.Build(critical: ask.Request.SubjectName.RawData.Length <= 2);
    }
}
