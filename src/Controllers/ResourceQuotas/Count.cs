using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>Counts what a namespace uses, for the status of its quotas: for new limits, when something goes, and now and then.</summary>
/// <remarks>
/// What comes is charged by admission, not here: counting upon every new object would take back charges for objects that this cache does not
/// have yet. As upstream, then, only what frees something makes it count again, and every five minutes all of it.
/// </remarks>
sealed class Count(IClusterAccess cluster) : IReconciler
{
    /// <summary>Upstream's resource-quota-sync-period.</summary>
    static readonly TimeSpan Resync = TimeSpan.FromMinutes(5);
    static readonly TimeSpan Unknown = TimeSpan.FromSeconds(10);

    readonly ICache<ResourceQuota> _quotas = cluster.Cache<ResourceQuota>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<ResourceClaim> _devices = cluster.Cache<ResourceClaim>();
    Census? _census;

    public void Watch(Triggers on) => on
        .When(_quotas, e => e.New is { } now && (e.Old is null || e.Old.Spec != now.Spec || now.Status.Hard != now.Spec.Hard))
        .Needs(_pods).Needs(_services).Needs(_claims).Needs(_devices)
        .From(add => Freed(CountPlan.Measured[0], _pods, add)).From(add => Freed(CountPlan.Measured[1], _services, add)).From(add => Freed(CountPlan.Measured[2], _claims, add)).From(add => Freed(CountPlan.Measured[3], _devices, add))
        .From(add => _census = new(cluster.Client.Transport, cluster.Time, (ns, resource) => Wake(ns, add, q => CountPlan.Counted(q).Contains(resource))));

    IDisposable Freed<T>(GroupResource resource, ICache<T> cache, Action<Key> add) where T : class, IObject<T> =>
        cache.Subscribe(e =>
        {
            if (_quotas.In(e.Object.Metadata.Namespace).Count > 0 && CountPlan.Frees(resource, e.Old, e.New, cluster.Time.GetUtcNow()))
                Wake(e.Object.Metadata.Namespace, add, q => q.Spec.Hard.Any(h => Machinery.Quota.Charges.Concerns(resource, h.Key)));
        });

    void Wake(string ns, Action<Key> add, Func<ResourceQuota, bool> concerned)
    {
        foreach (var quota in ns.Length == 0 ? _quotas.All : _quotas.In(ns))
            if (concerned(quota)) add(Key.Of(quota));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_quotas.Find(key) is not { } quota) return Again.OnChange;
        bool known = true;
        foreach (var resource in CountPlan.Counted(quota))
            if (!await _census!.FollowAsync(resource, ct)) known = false;
        var now = cluster.Time.GetUtcNow();
        var status = CountPlan.For(quota, r => r.Resource switch { "pods" => _pods.In(key.Namespace), "services" => _services.In(key.Namespace), "resourceclaims" => _devices.In(key.Namespace), _ => (IEnumerable<IObject>)_claims.In(key.Namespace) },
            r => _census!.Count(r, key.Namespace), now);
        await cluster.Client.UpdateStatusIfChangedAsync(quota, quota with { Status = status }, ct);
        return Again.In(known ? Late(key.Namespace, now) : Unknown);
    }

    /// <summary>A Pod that is not gone when it should be stops to cost without any change.</summary>
    TimeSpan Late(string ns, DateTimeOffset now)
    {
        var next = Resync;
        foreach (var pod in _pods.In(ns))
            if (pod.Metadata is { DeletionTimestamp: { } at, DeletionGracePeriodSeconds: { } grace } && at.AddSeconds(grace + 1) - now is var left && left > TimeSpan.Zero && left < next) next = left;
        return next;
    }
}
