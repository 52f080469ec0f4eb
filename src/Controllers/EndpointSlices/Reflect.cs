using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Shows proxies and DNS which Pods stand behind each Service.</summary>
sealed class Reflect(IClusterAccess cluster) : IReconciler
{
    const string ByService = "endpointslice-controller/service";

    readonly IClient _client = cluster.Client;
    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<EndpointSlice> _slices = cluster.Cache<EndpointSlice>();

    public void Watch(Triggers on)
    {
        _pods.IndexLabels();
        _services.IndexSelectors();
        _slices.AddIndex(ByService, s => ServiceOf(s).Select(k => k.ToString()));
        on.Each(_services).Map(_slices, ServiceOf).Needs(_pods).Needs(_nodes).From(add => _pods.Subscribe(e => Selecting(_services, e, add)));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        // The slices of a Service that is gone are collected as what it owned.
        if (_services.Find(key) is not { } service || !service.HasBackends() || service.IsBeingDeleted) return Again.OnChange;
        var existing = _slices.ByIndex(ByService, key.ToString()).Where(s => !s.IsBeingDeleted).ToList();
        var plan = ReflectPlan.For(service, _pods.Near(key.Namespace, service.Spec.Selector).Where(service.Selects), existing, ZoneOf);
        try
        {
            foreach (var slice in plan.Create) await _client.CreateAsync(slice, ct);
        }
        catch (ApiException e) when (Refusal.IsNamespaceTerminating(e)) { return Again.OnChange; }
        foreach (var slice in plan.Update) await _client.UpdateAsync(slice, ct);
        foreach (var slice in plan.Delete) await _client.TryDeleteAsync<EndpointSlice>(Key.Of(slice), Preconditions.Uid(slice), ct);
        return Again.OnChange;
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

    string ZoneOf(string node) => _nodes.Find(new("", node))?.Metadata.Labels["topology.kubernetes.io/zone"] ?? "";

    static IEnumerable<Key> ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Labels[ReflectPlan.ManagedBy] == ReflectPlan.Controller && slice.Metadata.Labels[ReflectPlan.ServiceName] is { } name
            ? [new(slice.Metadata.Namespace, name)] : [];
}
