using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.EndpointSlices;
using Hanbae.Controllers.Ownership;
using Legacy = Hanbae.Api.Core.V1.Endpoints;

namespace Hanbae.Controllers.EndpointSliceMirroring;

/// <summary>Shows Endpoints that somebody wrote by hand, for a Service without a selector, as slices: proxies look at nothing else.</summary>
sealed class Mirror(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Legacy> _endpoints = cluster.Cache<Legacy>();
    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ManagedSlices _slices = new(cluster, MirrorPlan.ManagedBy);

    public void Watch(Triggers on) => _slices.Watch(on.Each(_endpoints).Each(_services));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var existing = _slices.Of(key);
        var endpoints = _endpoints.Find(key);
        if (endpoints is null || !MirrorPlan.IsMirrored(endpoints) || _services.Find(key) is not { } service || !service.Spec.Selector.IsEmpty)
        {
            var none = new Packing(0);
            none.Delete.AddRange(existing);
            await _slices.WriteAsync((IObject?)endpoints ?? new Legacy { Metadata = new() { Name = key.Name, Namespace = key.Namespace } }, none, ct);
            return Again.OnChange;
        }
        var (slices, invalid, skipped) = MirrorPlan.For(endpoints, existing);
        if (invalid > 0) cluster.Recorder.Event(endpoints, "Warning", "InvalidIPAddress", $"Skipped {invalid} invalid IP addresses when mirroring to EndpointSlices");
        if (skipped > invalid)
            cluster.Recorder.Event(endpoints, "Warning", "TooManyAddressesToMirror",
                $"A max of {MirrorPlan.Most} addresses can be mirrored to EndpointSlices per Endpoints subset. {skipped} addresses were skipped");
        await _slices.WriteAsync(endpoints, slices, ct);
        return Again.OnChange;
    }
}
