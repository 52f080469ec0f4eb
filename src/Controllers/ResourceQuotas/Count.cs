using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Machinery.Quota;
using DeviceClass = Hanbae.Api.Resource.V1.DeviceClass;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>Counts what a namespace uses, for the status of its quotas: for new limits, when something goes, and now and then.</summary>
/// <remarks>
/// What comes is charged by admission, not here: counting upon every new object would take back charges for objects that this cache does not
/// have yet. As upstream, then, only what frees something makes it count again, and every five minutes all of it. Unlike there a quota whose
/// status changed is looked at once more when it has been quiet for a while: an object that was not made after all was charged, and one that was
/// made while the quota was counted for the first time was not. And unlike there nothing that was charged a moment ago is taken back.
/// </remarks>
sealed class Count : IReconciler
{
    /// <summary>Upstream's resource-quota-sync-period.</summary>
    static readonly TimeSpan Resync = TimeSpan.FromMinutes(5);
    static readonly TimeSpan Unknown = TimeSpan.FromSeconds(10);
    /// <summary>By then what was charged is there, and in the caches.</summary>
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    /// <summary>By then it mostly is; so much later at most is what a quota has to spare known.</summary>
    static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);
    /// <summary>Of keys that ask whether a quota has been quiet; no quota has such a name.</summary>
    const string Settling = "settling:";

    readonly IClusterAccess _cluster;
    readonly ICache<ResourceQuota> _quotas;
    readonly ICache<Pod> _pods;
    readonly ICache<Service> _services;
    readonly ICache<PersistentVolumeClaim> _claims;
    readonly ICache<ResourceClaim> _devices;
    readonly ICache<DeviceClass> _classes;
    readonly DeviceCharges _charges;
    readonly Books _books;
    /// <summary>When the status of a quota changed last, until that was looked at.</summary>
    readonly ConcurrentDictionary<Key, DateTimeOffset> _changed = new();
    readonly Lately _lately = new(Moment);
    Action<Key> _add = static _ => { };
    Census? _census;

    public Count(IClusterAccess cluster)
    {
        _cluster = cluster;
        (_quotas, _pods, _services, _claims, _devices) = (cluster.Cache<ResourceQuota>(), cluster.Cache<Pod>(), cluster.Cache<Service>(), cluster.Cache<PersistentVolumeClaim>(), cluster.Cache<ResourceClaim>());
        _classes = cluster.Cache<DeviceClass>();
        _charges = new(name => _classes.Find(new("", name))?.Spec.ExtendedResourceName, _pods.Find);
        _books = new((resource, ns) => resource.Resource switch
        {
            "pods" => _pods.In(ns), "services" => _services.In(ns), "resourceclaims" => _devices.In(ns), _ => (IEnumerable<IObject>)_claims.In(ns),
        }, _charges);
    }

    public void Watch(Triggers on) => on
        .From(add => { _add = add; return _quotas.Subscribe(OnQuota); })
        .Needs(_quotas).Needs(_pods).Needs(_services).Needs(_claims).Needs(_devices).Needs(_classes)
        .From(_ => Follow(CountPlan.Measured[0], _pods)).From(_ => Follow(CountPlan.Measured[1], _services)).From(_ => Follow(CountPlan.Measured[2], _claims)).From(_ => Follow(CountPlan.Measured[3], _devices))
        .From(_ => _pods.Subscribe(OnOwner)).From(_ => _classes.Subscribe(OnClass))
        .From(_ => _census = new(_cluster.Client.Transport, _cluster.Time, (ns, resource) => Wake(ns, q => CountPlan.Counted(q).Contains(resource))));

    void OnQuota(CacheEvent<ResourceQuota> e)
    {
        var key = Key.Of(e.Object);
        if (e.New is not { } now)
        {
            _books.Forget(key);
            _lately.Forget(key);
            _changed.TryRemove(key, out _);
            return;
        }
        if (e.Old is null || e.Old.Spec != now.Spec || now.Status.Hard != now.Spec.Hard) _add(key);
        if (e.Old is null || e.Old.Status == now.Status) return;
        var at = _cluster.Time.GetUtcNow();
        _lately.Note(key, e.Old.Status.Used, now.Status.Used, at);
        _changed[key] = at;
        _add(new(key.Namespace, Settling + key.Name));
    }

    IDisposable Follow<T>(GroupResource resource, ICache<T> cache) where T : class, IObject<T> =>
        cache.Subscribe(e =>
        {
            if (_quotas.In(e.Object.Metadata.Namespace).Count == 0) return;
            _books.Note(resource, e.Object, e.New is null);
            // What begins to end is looked at for when it has to be gone.
            if (e is { Old.Metadata.DeletionTimestamp: null, New.Metadata.DeletionTimestamp: not null } || CountPlan.Frees(resource, e.Old, e.New, _cluster.Time.GetUtcNow(), _charges))
                Wake(e.Object.Metadata.Namespace, q => q.Spec.Hard.Any(h => Charges.Concerns(resource, h.Key)));
        });

    /// <summary>A Pod may be seen later than the claim that was made for its resources, and says later which that is.</summary>
    void OnOwner(CacheEvent<Pod> e)
    {
        if (e.New is not { } pod || (e.Old is { } old && old.Status.ExtendedResourceClaimStatus == pod.Status.ExtendedResourceClaimStatus)) return;
        WeighDevices(pod.Metadata.Namespace, c => DeviceCharges.PodOf(c)?.Uid == pod.Metadata.Uid);
    }

    void OnClass(CacheEvent<DeviceClass> e)
    {
        if (e.Old?.Spec.ExtendedResourceName == e.New?.Spec.ExtendedResourceName) return;
        foreach (string ns in _quotas.All.Select(q => q.Metadata.Namespace).Distinct().ToList()) WeighDevices(ns, c => DeviceCharges.ClassesOf(c).Contains(e.Object.Metadata.Name));
    }

    void WeighDevices(string ns, Func<ResourceClaim, bool> which)
    {
        var resource = CountPlan.Measured[3];
        if (_devices.In(ns).Count > 0 && _books.Weigh(resource, ns, o => o is ResourceClaim claim && which(claim)))
            Wake(ns, q => q.Spec.Hard.Any(h => Charges.Concerns(resource, h.Key)));
    }

    void Wake(string ns, Func<ResourceQuota, bool> concerned)
    {
        foreach (var quota in ns.Length == 0 ? _quotas.All : _quotas.In(ns))
            if (concerned(quota)) _add(Key.Of(quota));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (key.Name.StartsWith(Settling, StringComparison.Ordinal)) return Settle(new(key.Namespace, key.Name[Settling.Length..]));
        if (_quotas.Find(key) is not { } quota) { _books.Forget(key); return Again.OnChange; }
        bool known = true;
        foreach (var resource in CountPlan.Counted(quota))
            if (!await _census!.FollowAsync(resource, ct)) known = false;
        var now = _cluster.Time.GetUtcNow();
        var (sums, next) = _books.Of(quota, Resync, now);
        var status = CountPlan.For(quota, sums, r => _census!.Count(r, key.Namespace));
        var (used, until) = _lately.Hold(key, quota.Status.Used, status.Used, now);
        await _cluster.Client.UpdateStatusIfChangedAsync(quota, quota with { Status = status with { Used = used } }, ct);
        if (until is { } then) return Again.At(then);
        if (!known) return Again.In(Unknown);
        // A Pod that is not gone when it should be stops to cost without any change.
        return next is { } at && at - now < Resync ? Again.At(at.AddSeconds(1)) : Again.In(Resync);
    }

    Again Settle(Key quota)
    {
        if (!_changed.TryGetValue(quota, out var changed)) return Again.OnChange;
        if (changed + Quiet > _cluster.Time.GetUtcNow()) return Again.At(changed + Quiet);
        _changed.TryRemove(new(quota, changed));
        _add(quota);
        return Again.OnChange;
    }
}
