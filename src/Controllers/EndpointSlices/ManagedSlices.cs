using Hanbae.Api;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>The slices that one controller keeps: finds those of a Service, and writes what has to change about them.</summary>
/// <param name="managedBy">What their label says.</param>
sealed class ManagedSlices(IClusterAccess cluster, string managedBy)
{
    readonly string _index = managedBy + "/service";
    readonly ICache<EndpointSlice> _slices = cluster.Cache<EndpointSlice>();

    /// <summary>Wakes the Service of each slice that changes.</summary>
    public void Watch(Triggers on)
    {
        _slices.AddIndex(_index, s => ServiceOf(s).Select(k => k.ToString()));
        on.Map(_slices, ServiceOf);
    }

    public List<EndpointSlice> Of(Key service) => [.. _slices.ByIndex(_index, service.ToString()).Where(s => !s.IsBeingDeleted)];

    /// <param name="about">The Service, or the Endpoints, that they show; what fails is told as its Event.</param>
    public async Task WriteAsync(IObject about, Packing plan, CancellationToken ct)
    {
        string whose = $"{about.Kind().Kind} {Key.Of(about)}", doing = "";
        try
        {
            doing = "create";
            foreach (var slice in plan.Create) await cluster.Client.CreateAsync(slice, ct);
            foreach (var slice in plan.Update)
            {
                doing = "update " + slice.Metadata.Name;
                await cluster.Client.UpdateAsync(slice, ct);
            }
            foreach (var slice in plan.Delete)
            {
                doing = "delete " + slice.Metadata.Name;
                await cluster.Client.TryDeleteAsync<EndpointSlice>(Key.Of(slice), Preconditions.Uid(slice), ct);
            }
        }
        catch (ApiException e) when (Refusal.IsNamespaceTerminating(e)) { }
        catch (ApiException e)
        {
            Tell(about, $"failed to {doing} EndpointSlice for {whose}: {e.Message}");
            throw;
        }
    }

    public void Tell(IObject about, string trouble) =>
        cluster.Recorder.Event(about, "Warning", "FailedToUpdateEndpointSlices", $"Error updating Endpoint Slices for {about.Kind().Kind} {Key.Of(about)}: {trouble}");

    IEnumerable<Key> ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Labels[ReflectPlan.ManagedBy] == managedBy && slice.Metadata.Labels[ReflectPlan.ServiceName] is { } name ? [new(slice.Metadata.Namespace, name)] : [];
}
