using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.EndpointSlices;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Endpoints;

/// <summary>What the Endpoints object of a Service has to say.</summary>
/// <remarks>Pods with the same ports share a subset; at most a thousand addresses are shown, ready ones first, as upstream does.</remarks>
static class ReflectPlan
{
    const int Most = 1000;
    const string OverCapacity = "endpoints.kubernetes.io/over-capacity", ManagedBy = "endpoints.kubernetes.io/managed-by", Controller = "endpoint-controller";

    public static bool IsOurs(Api.Core.V1.Endpoints endpoints) => endpoints.Metadata.Labels[ManagedBy] == Controller;

    /// <param name="existing">The object as it is; null when there is none.</param>
    public static Api.Core.V1.Endpoints For(Service service, IEnumerable<Pod> pods, Api.Core.V1.Endpoints? existing)
    {
        bool ipv6 = service.Spec.IpFamilies.IsEmpty ? Backend.IsIPv6(service.Spec.ClusterIP) : service.Spec.IpFamilies[0] == "IPv6";
        var all = pods
            .Where(p => !p.IsTerminal && (service.Spec.PublishNotReadyAddresses || p.Metadata.DeletionTimestamp is null) && p.Addresses(ipv6).Any())
            .Select(p => (Pod: p, Ready: service.Spec.PublishNotReadyAddresses || p.IsReady, Ip: p.Addresses(ipv6).First()))
            .OrderByDescending(p => p.Ready).ThenBy(p => p.Ip, StringComparer.Ordinal).ThenBy(p => p.Pod.Metadata.Uid, StringComparer.Ordinal).ToList();
        bool over = all.Count > Most;
        var subsets = Subsets.Repack(all.Take(Most).Select(p => (p.Ready, Address: AddressOf(service, p.Pod, p.Ip), Ports: Ports(service, p.Pod)))
            // Ports that no Pod has make no subset; a headless Service may have none to begin with.
            .Where(p => !p.Ports.IsEmpty || service.Spec.Ports.IsEmpty)
            .Select(p => new EndpointSubset { Addresses = p.Ready ? [p.Address] : default, NotReadyAddresses = p.Ready ? default : [p.Address], Ports = p.Ports }));
        var labels = service.Metadata.Labels.Remove(Backend.Headless).Set(ManagedBy, Controller);
        if (service.IsHeadless()) labels = labels.Set(Backend.Headless, "");
        var made = existing ?? new() { Metadata = new() { Name = service.Metadata.Name, Namespace = service.Metadata.Namespace } };
        var annotations = over ? made.Metadata.Annotations.Set(OverCapacity, "truncated") : made.Metadata.Annotations.Remove(OverCapacity);
        return made with { Metadata = made.Metadata with { Labels = labels, Annotations = annotations }, Subsets = subsets };
    }

    static EndpointAddress AddressOf(Service service, Pod pod, string ip) => new()
    {
        Ip = ip, Hostname = Backend.HostnameOf(service, pod), NodeName = pod.Spec.NodeName.Length > 0 ? pod.Spec.NodeName : null, TargetRef = Backend.Reference(pod),
    };

    static Seq<EndpointPort> Ports(Service service, Pod pod)
    {
        var ports = new List<EndpointPort>();
        foreach (var port in service.Spec.Ports)
            if (Backend.PortOf(pod, port) is { } number)
                ports.Add(new() { Name = port.Name, Port = number, Protocol = Backend.Protocol(port.Protocol), AppProtocol = port.AppProtocol });
        return ports.ToSeq();
    }
}
