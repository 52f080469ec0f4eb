using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Aggregation;

/// <summary>Finds where a Service is reached from the server itself: at its endpoints, since there need be no proxy on this machine (upstream's --enable-aggregator-routing).</summary>
sealed class ServiceRoute(ResourceCatalog resources, AggregationOptions options)
{
    /// <exception cref="IOException">Nowhere.</exception>
    public async ValueTask<DnsEndPoint> ResolveAsync(string ns, string name, int port, CancellationToken ct)
    {
        if (options.Resolve is { } given)
            return await given(ns, name, port, ct).ConfigureAwait(false) ?? throw new IOException($"service \"{name}\" in \"{ns}\" cannot be reached");
        var service = await FindAsync(ns, name, ct).ConfigureAwait(false) ?? throw new IOException($"service \"{name}\" not found");
        if (service.Spec.Type == "ExternalName") return new(service.Spec.ExternalName, port);
        var wanted = service.Spec.Ports.Find(p => p.Port == port) ?? throw new IOException($"no service port {port} found for service \"{name}\"");
        var found = await EndpointsAsync(ns, name, wanted.Name, ct).ConfigureAwait(false);
        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw new IOException($"no endpoints available for service \"{name}\"");
    }

    public async ValueTask<Service?> FindAsync(string ns, string name, CancellationToken ct) =>
        (await resources.Stored(new("", "services"))!.FindAsync(ns, name, ct).ConfigureAwait(false))?.Object as Service;

    /// <summary>Ready addresses of a Service's port.</summary>
    public async ValueTask<List<DnsEndPoint>> EndpointsAsync(string ns, string name, string portName, CancellationToken ct)
    {
        var found = new List<DnsEndPoint>();
        foreach (var slice in await SlicesAsync(ns, name, ct).ConfigureAwait(false))
            if (slice.Ports.Find(p => (p.Name ?? "") == portName)?.Port is { } at)
                found.AddRange(slice.Endpoints.Where(e => e.Conditions.Ready != false && !e.Addresses.IsEmpty).Select(e => new DnsEndPoint(e.Addresses[0], at)));
        return found;
    }

    public async ValueTask<List<EndpointSlice>> SlicesAsync(string ns, string name, CancellationToken ct)
    {
        var state = await resources.Stored(new("discovery.k8s.io", "endpointslices"))!.Cache.CurrentAsync(ct).ConfigureAwait(false);
        var found = new List<EndpointSlice>();
        foreach (var item in state.All.Between("", ns + "/"))
            if (item.Labels["kubernetes.io/service-name"] == name && item.Object is EndpointSlice slice) found.Add(slice);
        return found;
    }
}
