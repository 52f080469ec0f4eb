using Hanbae.Api.Certificates.V1;

namespace Hanbae.Controllers.Certificates;

/// <summary>How far a certificate request has come.</summary>
static class Conditions
{
    public const string Approved = "Approved", Denied = "Denied", Failed = "Failed";

    public static bool Has(this CertificateSigningRequest csr, string type) => csr.Status.Conditions.Exists(c => c.Type == type);

    /// <summary>Nobody has decided, and nothing was issued.</summary>
    public static bool IsUndecided(this CertificateSigningRequest csr) => csr.Status.Certificate.Length == 0 && !csr.Has(Approved) && !csr.Has(Denied);

    /// <summary>A certificate is owed.</summary>
    public static bool IsOwed(this CertificateSigningRequest csr) => csr.Status.Certificate.Length == 0 && csr.Has(Approved) && !csr.Has(Failed);

    public static CertificateSigningRequest With(this CertificateSigningRequest csr, CertificateSigningRequestCondition condition) =>
        csr with { Status = csr.Status with { Conditions = csr.Status.Conditions.Add(condition) } };
}
