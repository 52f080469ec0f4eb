using System.Globalization;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Machinery.Validate;

/// <summary>Requests for Pods' certificates: who asks proves that it has the key, and nothing of it ever changes (KEP-4317). What may be answered: <see cref="PodCertificateAnswers"/>.</summary>
static class PodCertificateRules
{
    const int ShortestSeconds = 3600, LongestSeconds = 91 * 86400, LongestOfKubernetes = 86400, MostKeyBytes = 10 * 1024, MostUidBytes = 128;

    public static void Check(PodCertificateRequest o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        SigningRules.Signer(at["signerName"], s.SignerName, errors);
        UserAnnotations(at["unverifiedUserAnnotations"], s.UnverifiedUserAnnotations, errors);
        foreach (var (name, value, uid) in (ReadOnlySpan<(string, string, string)>)[("pod", s.PodName, s.PodUID), ("serviceAccount", s.ServiceAccountName, s.ServiceAccountUID), ("node", s.NodeName, s.NodeUID)])
        {
            errors.Invalid(at[name + "Name"], value, Names.Subdomain(value));
            if (uid.Length == 0) errors.Invalid(at[name + "UID"], uid, "must not be empty");
            if (uid.Length > MostUidBytes) errors.TooLong(at[name + "UID"], MostUidBytes);
        }
        if (s.MaxExpirationSeconds is not { } seconds) { errors.Required(at["maxExpirationSeconds"], "must be set"); return; }
        var (least, most) = Lifetimes(s.SignerName);
        if (seconds < least || seconds > most) errors.Invalid(at["maxExpirationSeconds"], seconds, string.Create(CultureInfo.InvariantCulture, $"must be in the range [{least}, {most}]"));
        foreach (var (name, value) in (ReadOnlySpan<(string, Bytes)>)[("pkixPublicKey", s.PkixPublicKey), ("proofOfPossession", s.ProofOfPossession), ("stubPKCS10Request", s.StubPKCS10Request)])
            if (value.Length > MostKeyBytes) { errors.TooLong(at[name], MostKeyBytes); return; }
        switch (s.StubPKCS10Request.Length > 0, s.PkixPublicKey.Length > 0, s.ProofOfPossession.Length > 0)
        {
            case (true, false, false): Stub(at["stubPKCS10Request"], s, errors); break;
            case (false, true, true): Key(at, s, errors); break;
            default: Omitted(at, "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set", errors); break;
        }
    }

    /// <summary>Signers of Kubernetes itself give a day at most, others a quarter of a year.</summary>
    internal static (int Least, int Most) Lifetimes(string signer)
    {
        string domain = signer[..Math.Max(0, signer.IndexOf('/'))];
        return (ShortestSeconds, domain == "kubernetes.io" || domain.EndsWith(".kubernetes.io", StringComparison.Ordinal) ? LongestOfKubernetes : LongestSeconds);
    }

    internal static void UserAnnotations(FieldPath at, Map<string> annotations, Errors errors)
    {
        MetaRules.Annotations(at, annotations, errors);
        foreach (var (key, _) in annotations)
            if (!key.Contains('/')) errors.Invalid(at, key.ToLowerInvariant(), "must be a domain-prefixed key (such as \"acme.io/foo\")");
    }

    static void Stub(FieldPath at, PodCertificateRequestSpec s, Errors errors)
    {
        if (SubjectKey.OfRequest(s.StubPKCS10Request.Span, out string reason) is not { } key) Omitted(at, reason, errors);
        else if (key.Wrong is { } wrong) errors.Invalid(at, wrong.Shown, wrong.Why);
    }

    static void Key(FieldPath at, PodCertificateRequestSpec s, Errors errors)
    {
        if (SubjectKey.TryParse(s.PkixPublicKey.Span) is not { } key) errors.Invalid(at["pkixPublicKey"], System.Convert.ToBase64String(s.PkixPublicKey.Span), "must be a valid PKIX-serialized public key");
        else if (key.Wrong is { } wrong) errors.Invalid(at["pkixPublicKey"], wrong.Shown, wrong.Why);
        else if (!key.Proves(Encoding.UTF8.GetBytes(s.PodUID), s.ProofOfPossession.Span)) Omitted(at["proofOfPossession"], "could not verify proof-of-possession signature", errors);
    }

    /// <summary>Without the value, as upstream where it says nothing to people.</summary>
    internal static void Omitted(FieldPath at, string detail, Errors errors) => errors.Add(new(FieldErrorType.Invalid, at.ToString(), null, detail));

    public static void Update(PodCertificateRequest o, PodCertificateRequest old, Errors errors)
    {
        if (o.Spec != old.Spec) Omitted(FieldPath.Spec, "field is immutable", errors);
    }
}
