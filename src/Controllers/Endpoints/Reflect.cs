using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.EndpointSlices;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Legacy = Hanbae.Api.Core.V1.Endpoints;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Endpoints;

/// <summary>Keeps the Endpoints object of each Service, for clients that do not know slices.</summary>
sealed class Reflect(IClusterAccess cluster) : IReconciler
{
    readonly IClient _client = cluster.Client;
    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Legacy> _endpoints = cluster.Cache<Legacy>();
    readonly ChangeTimes _times = new();

    // One without a Service may be anybody's, unless it was made here: then the Service went while nobody looked.
    public void Watch(Triggers on)
    {
        _pods.IndexLabels();
        _services.IndexSelectors();
        on.Each(_services).When(_endpoints, e => e.New is null || _services.Find(Key.Of(e.New)) is not null || e.Old is null && ReflectPlan.IsOurs(e.New))
            .Needs(_pods).From(add => _pods.Subscribe(e => EndpointSlices.Reflect.Selecting(_services, e, add)));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var existing = _endpoints.Find(key);
        if (_services.Find(key) is not { } service)
        {
            _times.Forget(key);
            if (existing is not null) await _client.TryDeleteAsync<Legacy>(key, Preconditions.Uid(existing), ct);
            return Again.OnChange;
        }
        if (!service.HasBackends()) return Again.OnChange;
        Pod[] pods = [.. _pods.Near(key.Namespace, service.Spec.Selector).Where(service.Selects)];
        var since = _times.Next(service, pods);
        var next = ReflectPlan.For(service, pods, existing);
        if (existing is not null && next.Equals(existing)) return Again.OnChange;
        next = next with { Metadata = ChangeTimes.Mark(next.Metadata, since) };
        try
        {
            if (existing is null) await _client.CreateAsync(next, ct);
            else await _client.UpdateAsync(next, ct);
        }
        // The cache did not show it yet: it will, and then it is compared.
        catch (ApiException e) when (e.IsAlreadyExists) { return Again.WithBackoff; }
        catch (ApiException e) when (Refusal.IsNamespaceTerminating(e)) { }
        catch (ApiException e)
        {
            if (existing is null) cluster.Recorder.Event(next, "Warning", "FailedToCreateEndpoint", $"Failed to create endpoint for service {key}: {e.Message}");
            else cluster.Recorder.Event(next, "Warning", "FailedToUpdateEndpoint", $"Failed to update endpoint {key}: {e.Message}");
            throw;
        }
        return Again.OnChange;
    }
}
