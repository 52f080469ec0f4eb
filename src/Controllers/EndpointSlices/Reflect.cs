using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Shows proxies and DNS which Pods stand behind each Service.</summary>
sealed class Reflect(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ManagedSlices _slices = new(cluster, ReflectPlan.Controller);
    readonly ChangeTimes _times = new();
    /// <summary>Services whose endpoints are dealt out to zones, and how.</summary>
    readonly ConcurrentDictionary<Key, ImmutableDictionary<string, IReadOnlyDictionary<string, int>>> _dealt = new();
    /// <summary>Of the zones, as of so many changes of nodes: one may come while they are counted.</summary>
    volatile Tuple<int, ImmutableSortedDictionary<string, double>?>? _shares;
    int _nodeChanges;

    public void Watch(Triggers on)
    {
        _pods.IndexLabels();
        _services.IndexSelectors();
        _slices.Watch(on.Each(_services).Needs(_pods).Needs(_nodes).From(add => _pods.Subscribe(e => Selecting(_services, e, add))).From(add => _nodes.Subscribe(e => OnNode(e, add))));
    }

    /// <summary>As upstream: what a zone gets or loses concerns the Services that have too few endpoints for it from then on.</summary>
    void OnNode(CacheEvent<Node> e, Action<Key> add)
    {
        if (e is { Old: { } a, New: { } b } && ZoneShares.SameShare(a, b)) return;
        Interlocked.Increment(ref _nodeChanges);
        if (_dealt.IsEmpty) return;
        var shares = Shares();
        foreach (var (service, dealt) in _dealt)
            if (dealt.Values.Any(d => ZoneShares.IsOverloaded(d, shares))) add(service);
    }

    ImmutableSortedDictionary<string, double>? Shares()
    {
        int changes = Volatile.Read(ref _nodeChanges);
        if (_shares is { } counted && counted.Item1 == changes) return counted.Item2;
        var shares = ZoneShares.Of(_nodes.All);
        _shares = new(changes, shares);
        return shares;
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        // The slices of a Service that is gone are collected as what it owned.
        if (_services.Find(key) is not { } service || !service.HasBackends())
        {
            _dealt.TryRemove(key, out _);
            _times.Forget(key);
            return Again.OnChange;
        }
        Pod[] pods = [.. _pods.Near(key.Namespace, service.Spec.Selector).Where(service.Selects)];
        // Also when nothing has to be written: what showed in no slice is not told with the next change.
        var since = _times.Next(service, pods);
        var plan = ReflectPlan.For(
            service, pods, _slices.Of(key), ZoneOf,
            Hints.AreDealtOut(service) ? Shares() : null, _dealt.ContainsKey(key));
        // One that waits to go gets no new ones, but those that there are stay true.
        if (service.IsBeingDeleted) plan.Slices.Create.Clear();
        if (plan.Dealt.IsEmpty) _dealt.TryRemove(key, out _);
        else _dealt[key] = plan.Dealt;
        foreach (var told in plan.Events) cluster.Recorder.Event(service, told.Type, told.Reason, told.Message);
        await _slices.WriteAsync(service, plan.Slices.Marked(since), ct);
        if (plan.Nowhere.IsEmpty) return Again.OnChange;
        _slices.Tell(service, plan.Nowhere.Length == 1 ? plan.Nowhere[0] : $"[{string.Join(", ", plan.Nowhere)}]");
        return Again.WithBackoff;
    }

    /// <summary>Adds the Services that a change of a Pod shows in.</summary>
    internal static void Selecting(ICache<Service> services, CacheEvent<Pod> e, Action<Key> add)
    {
        if (e is { Old: { } a, New: { } b } && Backend.LooksTheSame(a, b)) return;
        foreach (var pod in (ReadOnlySpan<Pod?>)[e.Old, e.New])
            if (pod is not null)
                foreach (var service in services.Near(pod.Metadata.Namespace, pod.Metadata.Labels))
                    if (service.Selects(pod)) add(Key.Of(service));
    }

    string? ZoneOf(string node) => _nodes.Find(new("", node)) is { } there ? there.Metadata.Labels[ZoneShares.ZoneLabel] ?? "" : null;
}
