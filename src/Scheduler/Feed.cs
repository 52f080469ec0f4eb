using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Scheduling.V1alpha2;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Scheduler.Plugins;
using Hanbae.Scheduler.Tallies;
using DeviceTaintRule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler;

/// <summary>Keeps the snapshot true to the API: everything that decisions read besides Pods.</summary>
/// <param name="gate">The scheduler's lock.</param>
/// <param name="changed">Told, under the lock, of what may help Pods that wait.</param>
/// <param name="wake">Told after.</param>
internal sealed class Feed(IClusterAccess cluster, Lock gate, Snapshot snapshot, Action<ClusterChange> changed, Action wake)
{
    /// <summary>The server has resource.k8s.io/v1: those before v1.34 have not, and there is nothing to wait for.</summary>
    bool _devices = true;
    readonly WhenServed<PodGroup> _groups = new(cluster);
    readonly WhenServed<DeviceTaintRule> _taints = new(cluster);

    /// <summary>Follows what servers seldom have, of versions that may yet change, until the result is disposed of. To be begun before <see cref="WhenSyncedAsync"/>.</summary>
    public IDisposable Follow() => new All(
        [
            _groups.Subscribe(e => Apply(e, OnGroup)),
            _taints.Subscribe(e => Apply(e, e => { if (e.New is { } rule) snapshot.Devices.Set(rule); else snapshot.Devices.Remove(e.Object); return Change.ResourceSlice; })),
        ]);

    Change OnGroup(CacheEvent<PodGroup> e)
    {
        snapshot.Groups.AreServed = true;
        if (e.New is { } group) snapshot.Groups.Set(group); else snapshot.Groups.Remove(e.Object);
        return Change.PodGroup;
    }

    /// <summary>Starts the informers and waits for their first lists.</summary>
    public async Task WhenSyncedAsync(CancellationToken ct)
    {
        try { await cluster.Client.ListAsync<DeviceClass>(new() { Limit = 1 }, ct); }
        catch (ApiException e) when (e.IsNotFound) { _devices = false; }
        // Whatever else it is, the informers try until it is over.
        catch (Exception) { ct.ThrowIfCancellationRequested(); } // a call that was cancelled may also end as one that took too long
        if (_devices) await Task.WhenAll(cluster.Cache<ResourceClaim>().WhenSyncedAsync(ct), cluster.Cache<ResourceSlice>().WhenSyncedAsync(ct), cluster.Cache<DeviceClass>().WhenSyncedAsync(ct));
        await Task.WhenAll(RestAsync(ct), _groups.WhenKnownAsync(ct), _taints.WhenKnownAsync(ct));
        lock (gate) snapshot.Groups.AreServed = _groups.IsServed;
    }

    Task RestAsync(CancellationToken ct) => Task.WhenAll(
        cluster.Cache<Node>().WhenSyncedAsync(ct), cluster.Cache<Namespace>().WhenSyncedAsync(ct),
        cluster.Cache<PersistentVolumeClaim>().WhenSyncedAsync(ct), cluster.Cache<PersistentVolume>().WhenSyncedAsync(ct),
        cluster.Cache<StorageClass>().WhenSyncedAsync(ct), cluster.Cache<CSINode>().WhenSyncedAsync(ct),
        cluster.Cache<VolumeAttachment>().WhenSyncedAsync(ct), cluster.Cache<CSIDriver>().WhenSyncedAsync(ct), cluster.Cache<CSIStorageCapacity>().WhenSyncedAsync(ct),
        cluster.Cache<PodDisruptionBudget>().WhenSyncedAsync(ct), cluster.Cache<Service>().WhenSyncedAsync(ct),
        cluster.Cache<ReplicationController>().WhenSyncedAsync(ct), cluster.Cache<ReplicaSet>().WhenSyncedAsync(ct), cluster.Cache<StatefulSet>().WhenSyncedAsync(ct));

    /// <summary>Feeds the snapshot until the result is disposed of.</summary>
    public IDisposable Subscribe()
    {
        var storage = snapshot.Storage;
        return new All(
        [
            Each<Node>(OnNode),
            Each<Namespace>(e => { if (e.New is { } ns) snapshot.SetNamespace(ns.Metadata.Name, ns.Metadata.Labels); else snapshot.Namespaces.Remove(e.Object.Metadata.Name); return Change.Namespace; }),
            Each<PersistentVolumeClaim>(e => Keep(storage.Claims, Key.Of(e.Object), e.New, Change.Claim)),
            Each<PersistentVolume>(e => Keep(storage.Volumes, e.Object.Metadata.Name, e.New, Change.Volume)),
            Each<StorageClass>(e => Keep(storage.Classes, e.Object.Metadata.Name, e.New, Change.StorageClass)),
            Each<CSINode>(e => Keep(storage.CsiNodes, e.Object.Metadata.Name, e.New, Change.CsiNode)),
            Each<VolumeAttachment>(OnAttachment),
            Each<CSIDriver>(e => Keep(storage.Drivers, e.Object.Metadata.Name, e.New, Change.CsiDriver)),
            Each<CSIStorageCapacity>(e => Keep(storage.Capacities, Key.Of(e.Object), e.New, Change.StorageCapacity)),
            Each<PodDisruptionBudget>(e => { if (e.New is { } b) snapshot.Budgets.Set(b); else snapshot.Budgets.Remove(Key.Of(e.Object)); return Change.None; }),
            Each<Service>(e => { if (e.New is { } s) snapshot.Owners.SetService(Key.Of(s), s.Spec.Selector); else snapshot.Owners.RemoveService(Key.Of(e.Object)); return Change.None; }),
            Each<ReplicationController>(e => Workload(e, c => c.Spec.Selector.ToSelector())),
            Each<ReplicaSet>(e => Workload(e, s => PodScope.SelectorOf(s.Spec.Selector))),
            Each<StatefulSet>(e => Workload(e, s => PodScope.SelectorOf(s.Spec.Selector))),
            .. _devices ? Devices() : [],
        ]);
    }

    IDisposable[] Devices() =>
        [
            Each<DeviceClass>(e => { if (e.New is { } c) snapshot.Devices.Set(c); else snapshot.Devices.Remove(e.Object); return Change.DeviceClass; }),
            Each<ResourceSlice>(e => { if (e.New is { } s) snapshot.Devices.Set(s); else snapshot.Devices.Remove(e.Object); return Change.ResourceSlice; }),
            Each<ResourceClaim>(e => { if (e.New is { } c) snapshot.Devices.Set(c); else snapshot.Devices.Remove(e.Object); return Change.ResourceClaim; }),
        ];

    Change OnNode(CacheEvent<Node> e)
    {
        if (e.New is not { } node) { snapshot.RemoveNode(e.Object.Metadata.Name); return Change.NodeRemoved; }
        snapshot.Set(node);
        return NodeChange.Of(e.Old, node);
    }

    Change OnAttachment(CacheEvent<VolumeAttachment> e)
    {
        if (e.New is { } attachment) { snapshot.Storage.Attach(attachment); return Change.None; }
        snapshot.Storage.Detach(e.Object);
        return Change.VolumeDetached;
    }

    static Change Keep<TKey, T>(Dictionary<TKey, T> into, TKey key, T? now, Change what) where TKey : notnull where T : class
    {
        if (now is null) { into.Remove(key); return Change.None; }
        into[key] = now;
        return what;
    }

    Change Workload<T>(CacheEvent<T> e, Func<T, Selector> selector) where T : class, IObject<T>
    {
        if (e.New is { } workload) snapshot.Owners.SetWorkload(T.Info.Kind, Key.Of(workload), selector(workload));
        else snapshot.Owners.RemoveWorkload(T.Info.Kind, Key.Of(e.Object));
        return Change.None;
    }

    IDisposable Each<T>(Func<CacheEvent<T>, Change> apply) where T : class, IObject<T> => cluster.Cache<T>().Subscribe(e => Apply(e, apply));

    void Apply<T>(CacheEvent<T> e, Func<CacheEvent<T>, Change> apply) where T : class, IObject
    {
        lock (gate)
        {
            if (apply(e) is not Change.None and var what) changed(new(what, e.Old, e.New));
            else return;
        }
        wake();
    }

    sealed class All(IDisposable[] parts) : IDisposable
    {
        public void Dispose() { foreach (var part in parts) part.Dispose(); }
    }
}
