using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Machinery.Validate;

/// <summary>What a signer may answer to a request for a Pod's certificate: that it is denied, that it failed, or a certificate for that key that lasts as long as it says.</summary>
/// <remarks>Once answered, the answer never changes: who wants another certificate asks again.</remarks>
public static class PodCertificateAnswers
{
    const string Issued = "Issued", Denied = "Denied", Failed = "Failed", Certificate = "CERTIFICATE";
    const int MostBytes = 100 * 1024;
    static readonly TimeSpan s_skew = TimeSpan.FromMinutes(5), s_room = TimeSpan.FromMinutes(10), s_shortest = TimeSpan.FromHours(1);
    static readonly FieldPath s_status = FieldPath.Of("status"), s_chain = s_status["certificateChain"];

    /// <param name="now">The server's own time, which a new certificate has to begin at.</param>
    /// <returns>What is wrong with it.</returns>
    public static IReadOnlyList<FieldError> Check(PodCertificateRequest o, PodCertificateRequest old, DateTimeOffset now)
    {
        var errors = new Errors();
        Check(o, old, now, errors);
        return errors;
    }

    static void Check(PodCertificateRequest o, PodCertificateRequest old, DateTimeOffset now, Errors errors)
    {
        int known = 0;
        for (int i = 0; i < o.Status.Conditions.Count; i++)
        {
            var (at, c) = (s_status["conditions"][i], o.Status.Conditions[i]);
            if (c.Type is not (Issued or Denied or Failed)) { errors.OneOf(at["type"], c.Type, Denied, Failed, Issued); continue; }
            if (++known > 1) errors.Invalid(at["type"], c.Type, "There may be at most one condition with type \"Issued\", \"Denied\", or \"Failed\"");
            errors.OneOf(at["status"], c.Status, "True");
        }
        ConditionRules.Check(s_status["conditions"], o.Status.Conditions, errors);
        if (errors.Count > 0) return;
        if (Is(old, Issued) || Is(old, Denied) || Is(old, Failed)) Same(o.Status, old.Status, "immutable after PodCertificateRequest is issued, denied, or failed", errors);
        else if (Is(o, Denied) || Is(o, Failed))
            Same(o.Status, new() { Conditions = o.Status.Conditions }, "non-condition status fields must be empty when denying or failing the PodCertificateRequest", errors);
        else if (Is(o, Issued)) Chain(o, old, now, errors);
        else Same(o.Status, old.Status, "status is immutable unless transitioning to \"Issued\", \"Denied\", or \"Failed\"", errors);
    }

    static bool Is(PodCertificateRequest o, string type) => o.Status.Conditions.Exists(c => c.Type == type && c.Status == "True");

    static void Same(PodCertificateRequestStatus now, PodCertificateRequestStatus wanted, string detail, Errors errors)
    {
        if (now != wanted) PodCertificateRules.Omitted(s_status, detail, errors);
    }

    static void Chain(PodCertificateRequest o, PodCertificateRequest old, DateTimeOffset now, Errors errors)
    {
        string chain = o.Status.CertificateChain;
        if (chain.Length > MostBytes) { errors.TooLong(s_chain, MostBytes); return; }
        var rest = chain.AsSpan();
        X509Certificate2? leaf = null;
        try
        {
            for (; PemEncoding.TryFind(rest, out var block); rest = rest[block.Location.End..])
            {
                if (rest[block.Label] is not Certificate) { errors.Invalid(s_chain, chain, "issued certificate chain must consist entirely of CERTIFICATE PEM blocks"); return; }
                X509Certificate2 certificate;
                try { certificate = X509CertificateLoader.LoadCertificate(System.Convert.FromBase64String(rest[block.Base64Data].ToString())); }
                catch (Exception e) when (e is CryptographicException or FormatException)
                {
                    errors.Invalid(s_chain, chain, leaf is null ? "leaf certificate does not parse as valid X.509" : "intermediate certificate does not parse as valid X.509");
                    return;
                }
                if (leaf is not null) certificate.Dispose();
                else leaf = certificate;
            }
            if (leaf is null) errors.Invalid(s_chain, chain, "issued certificate chain must contain at least one certificate");
            else Leaf(leaf, o, old, now, errors);
        }
        finally { leaf?.Dispose(); }
    }

    static void Leaf(X509Certificate2 leaf, PodCertificateRequest o, PodCertificateRequest old, DateTimeOffset now, Errors errors)
    {
        AlternativeNames(leaf, errors);
        if (errors.Count > 0) return;
        var key = old.Spec.StubPKCS10Request.Length > 0 ? SubjectKey.OfRequest(old.Spec.StubPKCS10Request.Span, out _) : SubjectKey.TryParse(old.Spec.PkixPublicKey.Span);
        if (key is null || !key.Is(SubjectKey.Of(leaf))) { errors.Invalid(s_chain, o.Status.CertificateChain, "leaf certificate was not issued to the requested public key"); return; }
        Times(leaf, o, now, errors);
    }

    static void AlternativeNames(X509Certificate2 leaf, Errors errors)
    {
        foreach (string dns in leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(n => n.EnumerateDnsNames()))
        {
            if (dns.Length == 0) errors.Invalid(s_chain, dns, "leaf certificate should not contain empty DNSName");
            if (dns.Contains("..", StringComparison.Ordinal)) errors.Invalid(s_chain, dns, "leaf certificate's DNSName should not contain '..'");
            if (dns.StartsWith('.') || dns.EndsWith('.')) errors.Invalid(s_chain, dns, "leaf certificate's DNSName should not start or end with '.'");
        }
    }

    static void Times(X509Certificate2 leaf, PodCertificateRequest o, DateTimeOffset now, Errors errors)
    {
        var s = o.Status;
        if (s.NotBefore is null) errors.Required(s_status["notBefore"], "must be present and consistent with the issued certificate");
        if (s.NotAfter is null) errors.Required(s_status["notAfter"], "must be present and consistent with the issued certificate");
        if (s.BeginRefreshAt is null) errors.Required(s_status["beginRefreshAt"], "must be present and in the range [notbefore+10min, notafter-10min]");
        if (s is not { NotBefore: { } from, NotAfter: { } until, BeginRefreshAt: { } refresh }) return;
        DateTimeOffset begins = leaf.NotBefore.ToUniversalTime(), ends = leaf.NotAfter.ToUniversalTime();
        var life = ends - begins;
        if (from != begins) Wrong("notBefore", from, "must be set to the NotBefore time encoded in the leaf certificate");
        else if ((from - now).Duration() >= s_skew) Wrong("notBefore", from, "must be set to within 5 minutes of kube-apiserver's current time");
        else if (until != ends) Wrong("notAfter", until, "must be set to the NotAfter time encoded in the leaf certificate");
        else if (life < s_shortest) errors.Invalid(s_chain, life.ToString("c"), "leaf certificate lifetime must be >= 1 hour");
        else if (life > TimeSpan.FromSeconds(o.Spec.MaxExpirationSeconds ?? 0))
            errors.Invalid(s_chain, life.ToString("c"), $"leaf certificate lifetime must be <= spec.maxExpirationSeconds ({o.Spec.MaxExpirationSeconds})");
        else if (refresh < from + s_room) Wrong("beginRefreshAt", refresh, "must be at least 10 minutes after status.notBefore");
        else if (refresh > until - s_room) Wrong("beginRefreshAt", refresh, "must be at least 10 minutes before status.notAfter");

        void Wrong(string field, DateTimeOffset shown, string why) =>
            errors.Invalid(s_status[field], shown.ToApi(), why);
    }
}
