using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;

namespace Hanbae.Machinery.Pkcs;

/// <summary>What a PKCS#10 request asks to be called: read once for whoever decides on it.</summary>
/// <remarks>Names in relative distinguished names of several parts count, as in Go: nobody hides a group in one.</remarks>
public sealed record CertificateAsk
{
    const string Organization = "2.5.4.10", CommonNameId = "2.5.4.3", AlternativeNames = "2.5.29.17";

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
        var (names, organizations) = (new List<string>(), new List<string>());
        var subject = new AsnReader(request.SubjectName.RawData, AsnEncodingRules.DER).ReadSequence();
        while (subject.HasData)
            for (var parts = subject.ReadSetOf(skipSortOrderValidation: true); parts.HasData;)
            {
                var part = parts.ReadSequence();
                string id = part.ReadObjectIdentifier();
                if (id is not (Organization or CommonNameId)) continue;
                string value = part.ReadCharacterString((UniversalTagNumber)part.PeekTag().TagValue);
                (id == Organization ? organizations : names).Add(value);
            }
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
            Request = request, CommonName = names.LastOrDefault() ?? "", Organizations = organizations, DnsNames = dns, Emails = emails, Uris = uris, Addresses = addresses,
        };
    }
}
