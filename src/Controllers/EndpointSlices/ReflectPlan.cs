using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using EndpointPort = Hanbae.Api.Discovery.V1.EndpointPort;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>What has to change for a Service's slices to show its Pods, touching as few slices as may be.</summary>
/// <remarks>
/// As upstream: Pods with the same ports share slices. A Service without Pods keeps one empty slice for each address family.
/// </remarks>
sealed record ReflectPlan(ImmutableArray<EndpointSlice> Create, ImmutableArray<EndpointSlice> Update, ImmutableArray<EndpointSlice> Delete)
{
    public const string ServiceName = "kubernetes.io/service-name";
    public const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    public const string Controller = "endpointslice-controller.k8s.io";

    /// <summary>Endpoints in a slice, at most.</summary>
    const int Most = 100;

    /// <param name="existing">The Service's slices that this controller made.</param>
    /// <param name="zones">The zone of a node, by its name; empty when it has none.</param>
    public static ReflectPlan For(Service service, IEnumerable<Pod> pods, IReadOnlyCollection<EndpointSlice> existing, Func<string, string> zones)
    {
        var packing = new Packing(Most);
        var families = Families(service);
        packing.Delete.AddRange(existing.Where(s => !families.Contains(s.AddressType)));
        var all = pods.ToList();
        foreach (string family in families)
        {
            var desired = new Dictionary<Seq<EndpointPort>, List<Endpoint>>();
            foreach (var pod in all)
                if (!pod.IsTerminal && pod.Addresses(family == "IPv6").ToSeq() is { IsEmpty: false } addresses)
                {
                    var ports = Ports(service, pod);
                    if (!desired.TryGetValue(ports, out var group)) desired.Add(ports, group = []);
                    group.Add(EndpointOf(service, pod, addresses, zones));
                }
            if (desired.Count == 0) desired.Add(default, []);
            var mine = existing.Where(s => s.AddressType == family).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
            packing.Delete.AddRange(mine.Where(s => !desired.ContainsKey(s.Ports)));
            foreach (var (ports, endpoints) in desired)
                packing.Add(FormOf(service, family, ports), endpoints, [.. mine.Where(s => s.Ports == ports)]);
        }
        return new([.. packing.Create], [.. packing.Update], [.. packing.Delete]);
    }

    static EndpointSlice FormOf(Service service, string family, Seq<EndpointPort> ports) => new()
    {
        Metadata = new()
        {
            GenerateName = service.Metadata.Name + "-", Namespace = service.Metadata.Namespace, Labels = LabelsOf(service), OwnerReferences = [service.ControllerRef()],
        },
        AddressType = family, Ports = ports,
    };

    static Map<string> LabelsOf(Service service)
    {
        var labels = service.Metadata.Labels.Remove(Backend.Headless).Set(ServiceName, service.Metadata.Name).Set(ManagedBy, Controller);
        return service.IsHeadless() ? labels.Set(Backend.Headless, "") : labels;
    }

    static string[] Families(Service service)
    {
        if (!service.Spec.IpFamilies.IsEmpty) return [.. service.Spec.IpFamilies];
        return Backend.IsIPv6(service.Spec.ClusterIP) ? ["IPv6"] : ["IPv4"];
    }

    static Endpoint EndpointOf(Service service, Pod pod, Seq<string> addresses, Func<string, string> zones)
    {
        bool serving = pod.IsReady, terminating = pod.Metadata.DeletionTimestamp is not null;
        string zone = pod.Spec.NodeName.Length > 0 ? zones(pod.Spec.NodeName) : "", hostname = Backend.HostnameOf(service, pod);
        return new()
        {
            Addresses = addresses,
            // Ready means: send traffic. Serving tells the truth about the Pod (KEP-1672).
            Conditions = new() { Ready = service.Spec.PublishNotReadyAddresses || serving && !terminating, Serving = serving, Terminating = terminating },
            TargetRef = Backend.Reference(pod),
            NodeName = pod.Spec.NodeName.Length > 0 ? pod.Spec.NodeName : null,
            Zone = zone.Length > 0 ? zone : null,
            Hostname = hostname.Length > 0 ? hostname : null,
        };
    }

    static Seq<EndpointPort> Ports(Service service, Pod pod)
    {
        var ports = new List<EndpointPort>();
        foreach (var port in service.Spec.Ports)
            if (Backend.PortOf(pod, port) is { } number)
                ports.Add(new() { Name = port.Name, Protocol = Backend.Protocol(port.Protocol), Port = number, AppProtocol = port.AppProtocol });
        return ports.ToSeq();
    }
}
