using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Certificates;

/// <summary>Takes away requests for Pods' certificates, answered or not: their kubelets have long taken what they were given (KEP-4317).</summary>
sealed class CleanPods(IClusterAccess cluster) : IReconciler
{
    /// <summary>Upstream's: whatever takes longer has failed.</summary>
    static readonly TimeSpan s_age = TimeSpan.FromMinutes(15);

    readonly ICache<PodCertificateRequest> _requests = cluster.Cache<PodCertificateRequest>();

    public void Watch(Triggers on) => on.Each(_requests);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_requests.Find(key) is not { Metadata.CreationTimestamp: { } made } request) return Again.OnChange;
        if (made + s_age is var due && due > cluster.Time.GetUtcNow()) return Again.At(due);
        await cluster.Client.TryDeleteAsync<PodCertificateRequest>(key, Preconditions.Uid(request), ct);
        return Again.OnChange;
    }
}
