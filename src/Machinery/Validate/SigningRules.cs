using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Certificate signing requests: who asks for what never changes; who approves does not issue, who issues does not approve.</summary>
static class SigningRules
{
    const int ShortestSeconds = 600;
    static readonly string[] s_usages = ["any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature",
        "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing",
        "s/mime", "server auth", "signing", "timestamping"];

    public static void Check(CertificateSigningRequest o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (Request(s.Request) is { } wrong) errors.Invalid(at["request"], Encoding.UTF8.GetString(s.Request.Span), wrong);
        if (s.Usages.IsEmpty) errors.Required(at["usages"]);
        var seen = new HashSet<string>();
        for (int i = 0; i < s.Usages.Count; i++)
        {
            errors.OneOf(at["usages"][i], s.Usages[i], s_usages);
            if (!seen.Add(s.Usages[i])) errors.Duplicate(at["usages"][i], s.Usages[i]);
        }
        Signer(at["signerName"], s.SignerName, errors);
        if (s.ExpirationSeconds is < ShortestSeconds and { } seconds) errors.Invalid(at["expirationSeconds"], seconds, "may not specify a duration less than 600 seconds (10 minutes)");
        Conditions(FieldPath.Of("status")["conditions"], o.Status.Conditions, errors);
    }

    static string? Request(Bytes pem)
    {
        string text = Encoding.UTF8.GetString(pem.Span);
        if (!PemEncoding.TryFind(text, out var fields) || text.AsSpan(fields.Label) is not "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
        try
        {
            System.Security.Cryptography.X509Certificates.CertificateRequest.LoadSigningRequestPem(text, HashAlgorithmName.SHA256,
                System.Security.Cryptography.X509Certificates.CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            return null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or NotSupportedException) { return "x509: " + e.Message; }
    }

    /// <summary><c>example.com/signer-name</c>.</summary>
    internal static void Signer(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) { errors.Required(at); return; }
        string[] parts = name.Split('/');
        if (parts.Length != 2) { errors.Invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"); return; }
        foreach (string wrong in Names.Subdomain(parts[0])) errors.Invalid(at, parts[0], wrong);
        if (parts[0].Length > 0 && !parts[0].Contains('.')) errors.Invalid(at, parts[0], "should be a domain with at least two segments separated by dots");
        foreach (string wrong in Names.Subdomain(parts[1])) errors.Invalid(at, parts[1], wrong);
    }

    static void Conditions(FieldPath at, Seq<CertificateSigningRequestCondition> conditions, Errors errors)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < conditions.Count; i++)
        {
            var (here, c) = (at[i], conditions[i]);
            if (c.Type.Length == 0) errors.Required(here["type"]);
            if (c.Status.Length == 0) errors.Required(here["status"]);
            else if (c.Type is "Approved" or "Denied" or "Failed") errors.OneOf(here["status"], c.Status, "True");
            else errors.OneOf(here["status"], c.Status, "False", "True", "Unknown");
            if (!seen.Add(c.Type)) errors.Duplicate(here["type"], c.Type);
            if (c.Type == "Approved" && seen.Contains("Denied") || c.Type == "Denied" && seen.Contains("Approved"))
                errors.Invalid(here["type"], c.Type, "Approved and Denied conditions are mutually exclusive");
        }
    }

    public static void Update(CertificateSigningRequest o, CertificateSigningRequest old, Errors errors) => Part(o, old, "", errors);

    public static void Part(CertificateSigningRequest o, CertificateSigningRequest old, string subresource, Errors errors)
    {
        var at = FieldPath.Of("status");
        Conditions(at["conditions"], o.Status.Conditions, errors);
        static bool Has(CertificateSigningRequest csr, string type) => csr.Status.Conditions.Exists(c => c.Type == type);
        foreach (string type in (ReadOnlySpan<string>)["Approved", "Denied", "Failed"])
            if (Has(old, type) && !Has(o, type)) errors.Forbidden(at["conditions"], $"updates may not remove a condition of type {FieldError.Quoted(type)}");
        if (subresource != "approval")
            foreach (string type in (ReadOnlySpan<string>)["Approved", "Denied"])
                if (!Has(old, type) && Has(o, type)) errors.Forbidden(at["conditions"], $"updates may not add a condition of type {FieldError.Quoted(type)}");
        if (o.Status.Certificate.Span.SequenceEqual(old.Status.Certificate.Span)) return;
        if (subresource != "status") errors.Forbidden(at["certificate"], "updates may not set certificate content");
        else if (old.Status.Certificate.Length > 0) errors.Forbidden(at["certificate"], "updates may not modify existing certificate content");
    }
}
