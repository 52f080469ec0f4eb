using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.EndpointSlices;
using Hanbae.Controllers.Ownership;
using Legacy = Hanbae.Api.Core.V1.Endpoints;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.EndpointSliceMirroring;

/// <summary>Shows Endpoints that somebody wrote by hand, for a Service without a selector, as slices: proxies look at nothing else.</summary>
sealed class Mirror(IClusterAccess cluster) : IReconciler
{
    const string ByService = "endpointslicemirroring-controller/service";

    readonly IClient _client = cluster.Client;
    readonly ICache<Legacy> _endpoints = cluster.Cache<Legacy>();
    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<EndpointSlice> _slices = cluster.Cache<EndpointSlice>();

    public void Watch(Triggers on)
    {
        _slices.AddIndex(ByService, s => ServiceOf(s).Select(k => k.ToString()));
        on.Each(_endpoints).Each(_services).Map(_slices, ServiceOf);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var existing = _slices.ByIndex(ByService, key.ToString()).Where(s => !s.IsBeingDeleted).ToList();
        if (_endpoints.Find(key) is not { } endpoints || !MirrorPlan.IsMirrored(endpoints) || _services.Find(key) is not { } service || !service.Spec.Selector.IsEmpty)
        {
            foreach (var slice in existing) await _client.TryDeleteAsync<EndpointSlice>(Key.Of(slice), Preconditions.Uid(slice), ct);
            return Again.OnChange;
        }
        var plan = MirrorPlan.For(endpoints, existing);
        try
        {
            foreach (var slice in plan.Create) await _client.CreateAsync(slice, ct);
        }
        catch (ApiException e) when (Refusal.IsNamespaceTerminating(e)) { return Again.OnChange; }
        foreach (var slice in plan.Update) await _client.UpdateAsync(slice, ct);
        foreach (var slice in plan.Delete) await _client.TryDeleteAsync<EndpointSlice>(Key.Of(slice), Preconditions.Uid(slice), ct);
        return Again.OnChange;
    }

    static IEnumerable<Key> ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Labels[ReflectPlan.ManagedBy] == MirrorPlan.ManagedBy && slice.Metadata.Labels[ReflectPlan.ServiceName] is { } name
            ? [new(slice.Metadata.Namespace, name)] : [];
}
