using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Discovery.V1;
using Hanbae.Controllers.Endpoints;
using Hanbae.Controllers.EndpointSlices;
using Hanbae.Controllers.Ownership;
using ReflectPlan = Hanbae.Controllers.EndpointSlices.ReflectPlan;
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

    public static bool IsMirrored(Legacy endpoints) => endpoints.Metadata.Labels[SkipMirror] != "true" && !endpoints.Metadata.Annotations.ContainsKey(Leader);

    /// <remarks>As upstream, for each family and each set of ports one slice and no more: it shows what it showed before in any order, and others of its form go.</remarks>
    /// <returns>The slices; how many addresses are none, and how many were left out, those included.</returns>
    public static (Packing Slices, int Invalid, int Skipped) For(Legacy endpoints, IReadOnlyCollection<EndpointSlice> existing)
    {
        int invalid = 0, skipped = 0;
        var desired = new Dictionary<(string Type, Seq<EndpointPort> Ports), OrderedDictionary<string, Endpoint>>();
        foreach (var subset in Subsets.Repack(endpoints.Subsets))
        {
            var ports = Sorted(subset.Ports.Select(p => new EndpointPort { Name = p.Name, Port = p.Port, Protocol = Backend.Protocol(p.Protocol), AppProtocol = p.AppProtocol }));
            int mirrored = 0;
            foreach (var (address, ready) in subset.Addresses.Select(a => (a, true)).Concat(subset.NotReadyAddresses.Select(a => (a, false))))
            {
                if (mirrored >= Most) { skipped++; continue; }
                if (Parse(address.Ip) is not { } ip) { invalid++; skipped++; continue; }
                mirrored++;
                var key = (ip.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4", ports);
                if (!desired.TryGetValue(key, out var group)) desired.Add(key, group = []);
                group[$"{ip} {address.Hostname} {address.TargetRef?.Namespace}/{address.TargetRef?.Name}"] = new()
                {
                    Addresses = [ip.ToString()], Conditions = new() { Ready = ready }, TargetRef = address.TargetRef, NodeName = address.NodeName,
                    Hostname = address.Hostname.Length > 0 ? address.Hostname : null,
                };
            }
        }
        var packing = new Packing(Most) { SetsAnnotations = true };
        packing.Delete.AddRange(existing.Where(s => !desired.ContainsKey((s.AddressType, Sorted(s.Ports)))));
        foreach (var ((type, ports), group) in desired)
        {
            EndpointSlice[] there = [.. existing.Where(s => s.AddressType == type && Sorted(s.Ports) == ports).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal)];
            var form = FormOf(endpoints, type, ports) with { Endpoints = [.. group.Values.Take(Most)] };
            packing.Delete.AddRange(there.Skip(1));
            if (there.Length == 0) packing.Create.Add(form);
            else if (!Shows(there[0], form, group.Values))
                packing.Update.Add(form with { Metadata = there[0].Metadata with { Labels = form.Metadata.Labels, Annotations = form.Metadata.Annotations, OwnerReferences = form.Metadata.OwnerReferences } });
        }
        if (endpoints.Metadata.DeletionTimestamp is not null) packing.Create.Clear();
        packing.Recycle(endpoints.Metadata.Uid);
        return (packing, invalid, skipped);
    }

    /// <summary>In which order ports are said is of no matter.</summary>
    static Seq<EndpointPort> Sorted(IEnumerable<EndpointPort> ports) =>
        [.. ports.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Port).ThenBy(p => p.Protocol, StringComparer.Ordinal)];

    static bool Shows(EndpointSlice slice, EndpointSlice form, ICollection<Endpoint> all) =>
        slice.Metadata.Labels == form.Metadata.Labels && slice.Metadata.Annotations == form.Metadata.Annotations
        && slice.Endpoints.Count == form.Endpoints.Count && slice.Endpoints.All(all.ToHashSet().Contains);

    /// <summary>Also of a form that is not taken any more: with zeros in front, or IPv4 in IPv6.</summary>
    static IPAddress? Parse(string text)
    {
        string plain = text.Contains('.') && !text.Contains(':') ? string.Join('.', text.Split('.').Select(part => part.TrimStart('0') is { Length: > 0 } rest ? rest : "0")) : text;
        if (!IPAddress.TryParse(plain, out var ip) || !text.Contains(':') && plain.Split('.').Length != 4) return null;
        return ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
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
