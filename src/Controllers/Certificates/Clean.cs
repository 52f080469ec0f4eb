using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Certificates;

/// <summary>Takes away certificate requests that have been answered, or that nobody answers.</summary>
sealed class Clean(IClusterAccess cluster) : IReconciler
{
    /// <summary>Upstream's deadlines.</summary>
    static readonly TimeSpan s_decided = TimeSpan.FromHours(1), s_pending = TimeSpan.FromHours(24);

    readonly ICache<CertificateSigningRequest> _requests = cluster.Cache<CertificateSigningRequest>();

    public void Watch(Triggers on) => on.When(_requests, e => e.New is not null);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_requests.Find(key) is not { } csr || DueAt(csr) is not { } due) return Again.OnChange;
        if (due > cluster.Time.GetUtcNow()) return Again.At(due);
        await cluster.Client.TryDeleteAsync<CertificateSigningRequest>(key, Preconditions.Unchanged(csr), ct);
        return Again.OnChange;
    }

    /// <summary>When the request is to go; null when it is not.</summary>
    internal static DateTimeOffset? DueAt(CertificateSigningRequest csr)
    {
        var status = csr.Status;
        if (status.Conditions.IsEmpty && status.Certificate.Length == 0) return csr.Metadata.CreationTimestamp + s_pending;
        DateTimeOffset? due = null;
        foreach (var condition in status.Conditions)
            if (condition.Type is Conditions.Denied or Conditions.Failed || condition.Type == Conditions.Approved && status.Certificate.Length > 0)
                due = Sooner(due, condition.LastUpdateTime + s_decided);
        return status.Certificate.Length > 0 && EndOf(status.Certificate) is { } end ? Sooner(due, end) : due;
    }

    static DateTimeOffset? Sooner(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b : a;

    static DateTimeOffset? EndOf(Bytes pem)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(pem.Span));
            return certificate.NotAfter.ToUniversalTime();
        }
        catch (CryptographicException) { return null; }
    }
}
