using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;

namespace Hanbae.Machinery.Pkcs;

/// <summary>What a PKCS#10 request asks to be called: read once for whoever decides on it.</summary>
public sealed record CertificateAsk
{
    const string AlternativeNames = "2.5.29.17";

    public required CertificateRequest Request { get; init; }
    public string CommonName { get; init; } = "";
    public IReadOnlyList<string> Organizations { get; init; } = [];
    public IReadOnlyList<string> DnsNames { get; init; } = [];
    public IReadOnlyList<string> Emails { get; init; } = [];
    public IReadOnlyList<string> Uris { get; init; } = [];
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <param name="reason">Why it is none; empty when it is.</param>
    public static CertificateAsk? TryParse(Bytes pem, out string reason)
    {
        (reason, string text) = ("", Encoding.UTF8.GetString(pem.Span));
        if (!PemEncoding.TryFind(text, out var fields) || text.AsSpan(fields.Label) is not "CERTIFICATE REQUEST")
        {
            reason = "PEM block type must be CERTIFICATE REQUEST";
            return null;
        }
        try
        {
            return Of(CertificateRequest.LoadSigningRequestPem(text, HashAlgorithmName.SHA256,
                CertificateRequestLoadOptions.SkipSignatureValidation | CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or AsnContentException or NotSupportedException or FormatException)
        {
            reason = "x509: " + e.Message;
            return null;
        }
    }

    static CertificateAsk Of(CertificateRequest request)
    {
        var parts = SubjectParts.Of(request.SubjectName).ToArray();
        var (dns, emails, uris, addresses) = (new List<string>(), new List<string>(), new List<string>(), new List<IPAddress>());
        foreach (var extension in request.CertificateExtensions)
        {
            if (extension.Oid?.Value != AlternativeNames) continue;
            for (var all = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence(); all.HasData;)
            {
                var tag = all.PeekTag();
                switch (tag.TagValue)
                {
                    case 1: emails.Add(all.ReadCharacterString(UniversalTagNumber.IA5String, tag)); break;
                    case 2: dns.Add(all.ReadCharacterString(UniversalTagNumber.IA5String, tag)); break;
                    case 6: uris.Add(all.ReadCharacterString(UniversalTagNumber.IA5String, tag)); break;
                    case 7: addresses.Add(new(all.ReadOctetString(tag))); break;
                    default: all.ReadEncodedValue(); break;
                }
            }
        }
        return new()
        {
            Request = request, CommonName = parts.LastOrDefault(p => p.Id == SubjectParts.CommonName).Value ?? "",
            Organizations = [.. parts.Where(p => p.Id == SubjectParts.Organization).Select(p => p.Value)],
            DnsNames = dns, Emails = emails, Uris = uris, Addresses = addresses,
        };
    }
}
