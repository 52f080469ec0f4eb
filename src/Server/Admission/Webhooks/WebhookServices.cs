using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Conversion;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Finds webhooks that are Services at their endpoints, as the server itself knows them.</summary>
static class WebhookServices
{
    public static ServiceResolver In(ServedObjects objects) => async (ns, name, port, ct) =>
    {
        var service = await objects.FindAsync<Service>(ns, name, ct).ConfigureAwait(false) ?? throw new IOException($"service \"{name}\" not found");
        if (service.Spec.Type == "ExternalName") return new(service.Spec.ExternalName, port);
        var wanted = service.Spec.Ports.Find(p => p.Port == port) ?? throw new IOException($"no service port {port} found for service \"{name}\"");
        var found = new List<DnsEndPoint>();
        foreach (var slice in await objects.ListAsync<EndpointSlice>(ns, ct).ConfigureAwait(false))
            if (slice.Metadata.Labels["kubernetes.io/service-name"] == name && slice.Ports.Find(p => (p.Name ?? "") == wanted.Name)?.Port is { } at)
                found.AddRange(slice.Endpoints.Where(e => e.Conditions.Ready != false && !e.Addresses.IsEmpty).Select(e => new DnsEndPoint(e.Addresses[0], at)));
        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw new IOException($"no endpoints available for service \"{name}\"");
    };
}
