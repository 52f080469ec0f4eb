using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Beta = Hanbae.Api.Certificates.V1beta1;

namespace Hanbae.Machinery.Validate;

/// <summary>ClusterTrustBundles: named after their signer, and nothing but authorities in them (KEP-3257).</summary>
static class TrustBundleRules
{
    const int MostBytes = 1 << 20;

    /// <summary>A signer's bundle has its name before a colon; what stands behind it is a name as all others.</summary>
    public static IReadOnlyList<string> Name(string name) => Names.Subdomain(name[(name.LastIndexOf(':') + 1)..]);

    public static void Check(Beta.ClusterTrustBundle o, Errors errors)
    {
        var at = FieldPath.Spec;
        string name = o.Metadata.Name, signer = o.Spec.SignerName;
        if (signer.Length > 0)
        {
            SigningRules.Signer(at["signerName"], signer, errors);
            string prefix = signer.Replace('/', ':') + ":";
            if (!name.StartsWith(prefix, StringComparison.Ordinal)) errors.Invalid(FieldPath.Of("metadata")["name"], name, $"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}");
        }
        else if (name.Contains(':')) errors.Invalid(FieldPath.Of("metadata")["name"], name, "ClusterTrustBundle without signer name must not have \":\" in its name");
        Bundle(at["trustBundle"], o.Spec.TrustBundle, errors);
    }

    public static void Update(Beta.ClusterTrustBundle o, Beta.ClusterTrustBundle old, Errors errors) => errors.Unchanged(FieldPath.Spec["signerName"], o.Spec.SignerName, old.Spec.SignerName);

    static void Bundle(FieldPath at, string bundle, Errors errors)
    {
        if (bundle.Length > MostBytes) { errors.TooLong(at, MostBytes); return; }
        const string hidden = "<value omitted>";
        var seen = new Dictionary<string, int>();
        var rest = bundle.AsSpan();
        int entry = 0;
        for (; PemEncoding.TryFind(rest, out var block); rest = rest[block.Location.End..], entry++)
        {
            var label = rest[block.Label];
            if (label is not "CERTIFICATE") { errors.Invalid(at, hidden, $"entry {entry} has bad block type: {label}"); continue; }
            X509Certificate2 certificate;
            try { certificate = X509CertificateLoader.LoadCertificate(System.Convert.FromBase64String(rest[block.Base64Data].ToString())); }
            catch (Exception e) when (e is CryptographicException or FormatException) { errors.Invalid(at, hidden, $"entry {entry} does not parse as X.509 {GoQuote(e.Message)}"); continue; }
            using (certificate)
            {
                if (!certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(b => b.CertificateAuthority)) errors.Invalid(at, hidden, $"entry {entry} does not have the CA bit set");
                if (!seen.TryAdd(certificate.Thumbprint, entry)) errors.Invalid(at, hidden, $"duplicate trust anchor (indices [{seen[certificate.Thumbprint]} {entry}])");
            }
        }
        if (entry == 0) errors.Invalid(at, hidden, "at least one trust anchor must be provided");
    }

    static string GoQuote(string text) => Api.Json.GoQuote.Text(text);
}
