using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Services;

/// <summary>By which addresses a Service of type LoadBalancer is reached from outside when the nodes themselves are the balancer.</summary>
static class BalancePlan
{
    const string Excluded = "node.kubernetes.io/exclude-from-external-load-balancers";
    const int Ssh = 22;

    /// <summary>Whether the Service is ours: one that names a class waits for whoever implements that.</summary>
    public static bool Wants(Service service) => service.Spec is { Type: "LoadBalancer", LoadBalancerClass: null } && service.Metadata.DeletionTimestamp is null;

    /// <param name="backed">Nodes that Pods of the Service run on: the only ones that answer where traffic has to stay on its node.</param>
    /// <param name="apiPort">Where the API server listens.</param>
    public static Seq<LoadBalancerIngress> For(Service service, IEnumerable<Node> nodes, IReadOnlySet<string> backed, int apiPort)
    {
        if (!Wants(service)) return default;
        var addresses = new List<(string Node, string Address)>();
        bool local = service.Spec.ExternalTrafficPolicy == "Local";
        foreach (var node in nodes)
            if (Takes(node) && (!local || backed.Contains(node.Metadata.Name)))
                foreach (string family in service.Spec.IpFamilies)
                    if (Address(node, family == "IPv6") is { } address) addresses.Add((node.Metadata.Name, address));
        // A port that the machine itself is reached by stays the machine's: then the Service answers at its node ports alone.
        string mode = service.Spec.Ports.Exists(p => p.Protocol is "" or "TCP" && (p.Port == Ssh || p.Port == apiPort || nodes.Any(n => n.Status.DaemonEndpoints.KubeletEndpoint.Port == p.Port))) ? "Proxy" : "VIP";
        return [.. addresses.OrderBy(a => a.Node, StringComparer.Ordinal).Select(a => new LoadBalancerIngress { Ip = a.Address, IpMode = mode }).DistinctBy(i => i.Ip)];
    }

    static bool Takes(Node node) => node.Metadata.DeletionTimestamp is null && !node.Metadata.Labels.ContainsKey(Excluded)
        && node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });

    /// <summary>The one that others reach, where a node tells of one.</summary>
    static string? Address(Node node, bool six)
    {
        foreach (string type in (string[])["ExternalIP", "InternalIP"])
            foreach (var address in node.Status.Addresses)
                if (address.Type == type && address.Address.Contains(':') == six) return address.Address;
        return null;
    }

    /// <summary>Whether a change of a node can change anything here: heartbeats cannot.</summary>
    public static bool Matters(Node? old, Node? now) =>
        old is null || now is null || Takes(old) != Takes(now) || old.Status.Addresses != now.Status.Addresses || old.Status.DaemonEndpoints != now.Status.DaemonEndpoints;
}
