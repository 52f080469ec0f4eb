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
/// As upstream: Pods with the same ports share slices. A Service without Pods keeps one empty slice for each address family. Slices of an
/// older Service with the same name are not touched up but deleted.
/// </remarks>
/// <param name="Dealt">By family of addresses: how many endpoints serve each zone, where they were dealt out.</param>
/// <param name="Nowhere">What Pods are left out for: nodes that are not there.</param>
sealed record ReflectPlan(Packing Slices, ImmutableArray<HintEvent> Events, ImmutableDictionary<string, IReadOnlyDictionary<string, int>> Dealt, ImmutableArray<string> Nowhere)
{
    public IReadOnlyList<EndpointSlice> Create => Slices.Create;
    public IReadOnlyList<EndpointSlice> Update => Slices.Update;
    public IReadOnlyList<EndpointSlice> Delete => Slices.Delete;

    public const string ServiceName = "kubernetes.io/service-name";
    public const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    public const string Controller = "endpointslice-controller.k8s.io";

    /// <summary>Endpoints in a slice, at most.</summary>
    const int Most = 100;

    /// <param name="existing">The Service's slices that this controller made.</param>
    /// <param name="zones">The zone of a node, by its name; empty when it has none, null when there is no such node.</param>
    /// <param name="shares">Of the zones, by which endpoints are dealt out if the Service wants that.</param>
    /// <param name="wereDealt">Whether they were, when it was looked at last.</param>
    public static ReflectPlan For(
        Service service, IEnumerable<Pod> pods, IReadOnlyCollection<EndpointSlice> existing, Func<string, string?> zones,
        ImmutableSortedDictionary<string, double>? shares = null, bool wereDealt = false)
    {
        var families = Families(service);
        var whole = new Packing(Most);
        whole.Delete.AddRange(existing.Where(s => !families.Contains(s.AddressType)));
        var nowhere = ImmutableArray.CreateBuilder<string>();
        List<Pod> all = [];
        foreach (var pod in pods)
            if (pod.IsTerminal || pod.Status.PodIP.Length == 0 && pod.Status.PodIPs.IsEmpty) continue;
            else if (zones(pod.Spec.NodeName) is not null || service.Spec.PublishNotReadyAddresses) all.Add(pod);
            else nowhere.Add($"skipping Pod {pod.Metadata.Name} for Service {Key.Of(service)}: Node {pod.Spec.NodeName} Not Found");
        var events = ImmutableArray.CreateBuilder<HintEvent>();
        var dealt = ImmutableDictionary.CreateBuilder<string, IReadOnlyDictionary<string, int>>();
        foreach (string family in families)
        {
            var packing = new Packing(Most) { KeepsHints = true };
            var mine = existing.Where(s => s.AddressType == family).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
            packing.Delete.AddRange(mine.Where(s => !IsOwned(s, service)));
            mine.RemoveAll(s => !IsOwned(s, service));
            Pack(packing, service, family, all, mine, zones);

            HashSet<string> touched = [.. packing.Update.Concat(packing.Delete).Select(s => s.Metadata.Name)];
            var slices = new SliceSet(packing.Create, packing.Update, [.. mine.Where(s => !touched.Contains(s.Metadata.Name))]);
            if (Hints.AreDealtOut(service))
            {
                var (by, trouble) = Hints.DealOut(slices, family, shares);
                if (trouble is { } told) events.Add(told);
                else if (!wereDealt) events.Add(Hints.Begun(family));
                if (by is not null) dealt.Add(family, by);
                wereDealt = by is not null;
            }
            else
            {
                if (wereDealt) events.Add(Hints.Over(family));
                wereDealt = false;
                Hints.Near(slices, service.Spec.TrafficDistribution);
            }
            packing.Update.RemoveAll(s => mine.Exists(m => m.Equals(s)));
            packing.Recycle(service.Metadata.Uid);
            whole.Create.AddRange(packing.Create);
            whole.Update.AddRange(packing.Update);
            whole.Delete.AddRange(packing.Delete);
        }
        return new(whole, events.DrainToImmutable(), dealt.ToImmutable(), nowhere.DrainToImmutable());
    }

    static bool IsOwned(EndpointSlice slice, Service service) => slice.Metadata.OwnerReferences.Exists(o => o.Uid == service.Metadata.Uid && o is { Kind: "Service", ApiVersion: "v1" });

    static void Pack(Packing packing, Service service, string family, List<Pod> pods, List<EndpointSlice> mine, Func<string, string?> zones)
    {
        var desired = new Dictionary<Seq<EndpointPort>, List<Endpoint>>();
        foreach (var pod in pods)
            if (pod.Addresses(family == "IPv6").ToSeq() is { IsEmpty: false } addresses)
            {
                var ports = Ports(service, pod);
                if (!desired.TryGetValue(ports, out var group)) desired.Add(ports, group = []);
                group.Add(EndpointOf(service, pod, addresses, zones));
            }
        if (desired.Count == 0) desired.Add(default, []);
        packing.Delete.AddRange(mine.Where(s => !desired.ContainsKey(s.Ports)));
        foreach (var (ports, endpoints) in desired) packing.Add(FormOf(service, family, ports), endpoints, [.. mine.Where(s => s.Ports == ports)]);
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

    static Endpoint EndpointOf(Service service, Pod pod, Seq<string> addresses, Func<string, string?> zones)
    {
        bool serving = pod.IsReady, terminating = pod.Metadata.DeletionTimestamp is not null;
        string zone = (pod.Spec.NodeName.Length > 0 ? zones(pod.Spec.NodeName) : null) ?? "", hostname = Backend.HostnameOf(service, pod);
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
