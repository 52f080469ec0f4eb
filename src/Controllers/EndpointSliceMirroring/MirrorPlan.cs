using System.Net;
using Hanbae.Api;
using Hanbae.Api.Discovery.V1;
using Hanbae.Controllers.EndpointSlices;
using Hanbae.Controllers.Ownership;
using EndpointPort = Hanbae.Api.Discovery.V1.EndpointPort;
using Legacy = Hanbae.Api.Core.V1.Endpoints;

namespace Hanbae.Controllers.EndpointSliceMirroring;

/// <summary>The slices that show what somebody wrote into an Endpoints object by hand.</summary>
static class MirrorPlan
{
    public const string ManagedBy = "endpointslicemirroring-controller.k8s.io";
    const string SkipMirror = "endpointslice.kubernetes.io/skip-mirror";
    const string Leader = "control-plane.alpha.kubernetes.io/leader";
    /// <summary>Addresses of a subset, and of a slice.</summary>
    public const int Most = 1000;

    static readonly string[] NotMirrored = ["endpoints.kubernetes.io/managed-by", Backend.Headless];
    static readonly string[] NotAnnotated = ["endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"];

    public static bool IsMirrored(Legacy endpoints) =>
        endpoints.Metadata.Labels[SkipMirror] != "true" && !endpoints.Metadata.Annotations.ContainsKey(Leader) && endpoints.Metadata.DeletionTimestamp is null;

    /// <returns>The slices; how many addresses are none, and how many were left out, those included.</returns>
    public static (Packing Slices, int Invalid, int Skipped) For(Legacy endpoints, IReadOnlyCollection<EndpointSlice> existing)
    {
        int invalid = 0, skipped = 0;
        var desired = new Dictionary<(string Type, Seq<EndpointPort> Ports), List<Endpoint>>();
        foreach (var subset in endpoints.Subsets)
        {
            var ports = subset.Ports.Select(p => new EndpointPort { Name = p.Name, Port = p.Port, Protocol = Backend.Protocol(p.Protocol), AppProtocol = p.AppProtocol }).ToSeq();
            int mirrored = 0;
            foreach (var (address, ready) in subset.Addresses.Select(a => (a, true)).Concat(subset.NotReadyAddresses.Select(a => (a, false))))
            {
                if (mirrored >= Most) { skipped++; continue; }
                if (!IPAddress.TryParse(address.Ip, out var ip)) { invalid++; skipped++; continue; }
                mirrored++;
                var key = (ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4", ports);
                if (!desired.TryGetValue(key, out var group)) desired.Add(key, group = []);
                if (group.Exists(e => e.Addresses[0] == address.Ip && e.TargetRef?.Uid == address.TargetRef?.Uid)) continue;
                group.Add(new()
                {
                    Addresses = [address.Ip], Conditions = new() { Ready = ready }, TargetRef = address.TargetRef, NodeName = address.NodeName,
                    Hostname = address.Hostname.Length > 0 ? address.Hostname : null,
                });
            }
        }
        var packing = new Packing(Most) { SetsAnnotations = true };
        packing.Delete.AddRange(existing.Where(s => !desired.ContainsKey((s.AddressType, s.Ports))));
        foreach (var ((type, ports), group) in desired)
            packing.Add(FormOf(endpoints, type, ports), group, [.. existing.Where(s => s.AddressType == type && s.Ports == ports).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal)]);
        packing.Recycle(endpoints.Metadata.Uid);
        return (packing, invalid, skipped);
    }

    static EndpointSlice FormOf(Legacy endpoints, string type, Seq<EndpointPort> ports)
    {
        var (labels, annotations) = (endpoints.Metadata.Labels, endpoints.Metadata.Annotations);
        foreach (string name in NotMirrored) labels = labels.Remove(name);
        foreach (string name in NotAnnotated) annotations = annotations.Remove(name);
        return new()
        {
            Metadata = new()
            {
                GenerateName = endpoints.Metadata.Name + "-", Namespace = endpoints.Metadata.Namespace, Annotations = annotations, OwnerReferences = [endpoints.ControllerRef()],
                Labels = labels.Set(ReflectPlan.ServiceName, endpoints.Metadata.Name).Set(ReflectPlan.ManagedBy, ManagedBy),
            },
            AddressType = type, Ports = ports,
        };
    }
}
