using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Crd.Conversion;

/// <summary>Finds webhooks that are Services at their endpoints, as the server itself knows them: there need be no proxy on this machine.</summary>
static class WebhookServices
{
    public static ServiceResolver In(Func<ResourceCatalog> resources) => async (ns, name, port, ct) =>
    {
        var catalog = resources();
        if ((await catalog.Stored(new("", "services"))!.FindAsync(ns, name, ct).ConfigureAwait(false))?.Object is not Service service) throw new IOException($"service \"{name}\" not found");
        if (service.Spec.Type == "ExternalName") return new(service.Spec.ExternalName, port);
        var wanted = service.Spec.Ports.Find(p => p.Port == port) ?? throw new IOException($"no service port {port} found for service \"{name}\"");
        var slices = (await catalog.Stored(new("discovery.k8s.io", "endpointslices"))!.Cache.CurrentAsync(ct).ConfigureAwait(false)).All;
        var found = new List<DnsEndPoint>();
        foreach (var item in slices.Between("", ns + "/"))
            if (item.Labels["kubernetes.io/service-name"] == name && item.Object is EndpointSlice slice && slice.Ports.Find(p => (p.Name ?? "") == wanted.Name)?.Port is { } at)
                found.AddRange(slice.Endpoints.Where(e => e.Conditions.Ready != false && !e.Addresses.IsEmpty).Select(e => new DnsEndPoint(e.Addresses[0], at)));
        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw new IOException($"no endpoints available for service \"{name}\"");
    };
}
