using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Services;

/// <summary>By which addresses a Service of type LoadBalancer is reached from outside when the nodes themselves are the balancer.</summary>
static class BalancePlan
{
    const int Ssh = 22;
    /// <summary>More nodes than these answer no better, and each that came or went would change every Service.</summary>
    public const int MostNodes = 16;

    /// <summary>Whether the Service is ours: one that names a class waits for whoever implements that.</summary>
    public static bool Wants(Service service) => service.Spec is { Type: "LoadBalancer", LoadBalancerClass: null } && service.Metadata.DeletionTimestamp is null;

    /// <summary>Keeps a Service there until nothing balances it any more, as upstream. Manifests bring it along that were taken from other clusters.</summary>
    const string Finalizer = "service.kubernetes.io/load-balancer-cleanup";

    public static bool IsHeld(Service service) => service.Metadata.Finalizers.Contains(Finalizer);

    public static Service Hold(Service service, bool hold) => IsHeld(service) == hold ? service : service with
    {
        Metadata = service.Metadata with { Finalizers = hold ? service.Metadata.Finalizers.Add(Finalizer) : service.Metadata.Finalizers.Where(f => f != Finalizer).ToSeq() },
    };

    /// <summary>Traffic has to stay on the node that it comes to.</summary>
    public static bool IsLocal(Service service) => service.Spec.ExternalTrafficPolicy == "Local";

    /// <param name="backed">Nodes that Pods of the Service run on: the only ones that answer where traffic has to stay on its node.</param>
    /// <param name="apiPort">Where the API server listens.</param>
    /// <param name="least">What a node has to come up to (<see cref="Rank"/>) to be one of those that answer.</param>
    public static Seq<LoadBalancerIngress> For(Service service, BalancingNodes nodes, IReadOnlySet<string> backed, int apiPort, out ulong least)
    {
        least = 0;
        if (!Wants(service)) return default;
        IEnumerable<BalancingNodes.One> taking = IsLocal(service) ? backed.Order(StringComparer.Ordinal).Select(nodes.Find).OfType<BalancingNodes.One>().ToArray() : nodes.All;
        if (taking.Count() > MostNodes)
        {
            var ranks = taking.Select(n => Rank(service, n.Name)).OrderDescending().Take(MostNodes).ToArray();
            ulong bound = least = ranks[^1];
            taking = taking.Where(n => Rank(service, n.Name) >= bound);
        }
        var addresses = taking.SelectMany(n => service.Spec.IpFamilies.Select(f => f == "IPv6" ? n.Six : n.Four)).OfType<string>();
        // A port that the machine itself is reached by stays the machine's: then the Service answers at its node ports alone.
        string mode = service.Spec.Ports.Exists(p => p.Protocol is "" or "TCP" && (p.Port == Ssh || p.Port == apiPort || nodes.AgentPorts.Contains(p.Port))) ? "Proxy" : "VIP";
        return [.. addresses.Distinct().Select(a => new LoadBalancerIngress { Ip = a, IpMode = mode })];
    }

    /// <summary>By which a Service prefers some nodes to others: the same on every machine, and different from Service to Service.</summary>
    public static ulong Rank(Service service, string node)
    {
        ulong hash = 14695981039346656037;
        Add(service.Metadata.Namespace);
        Add(service.Metadata.Name);
        Add(node);
        // So that names that differ in the last letter only come to lie apart.
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        return hash ^ (hash >> 33);

        void Add(string name)
        {
            foreach (char c in name) hash = (hash ^ c) * 1099511628211;
            hash = (hash ^ '/') * 1099511628211;
        }
    }

    /// <summary>Whether a change of a node can change anything here: heartbeats cannot.</summary>
    public static bool Matters(Node? old, Node? now) =>
        old is null || now is null || BalancingNodes.Takes(old) != BalancingNodes.Takes(now) || old.Status.Addresses != now.Status.Addresses || old.Status.DaemonEndpoints != now.Status.DaemonEndpoints;
}
