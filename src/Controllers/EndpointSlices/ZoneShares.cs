using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>How much of the processors each zone has, by which endpoints are dealt out to zones (KEP-2433).</summary>
static class ZoneShares
{
    public const string ZoneLabel = "topology.kubernetes.io/zone";
    /// <summary>As much more than its share an endpoint may get, at most.</summary>
    const double Overload = 0.2;

    /// <returns>Null when a node does not say enough, or there are not two zones.</returns>
    public static ImmutableSortedDictionary<string, double>? Of(IEnumerable<Node> nodes)
    {
        var cpus = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            if (!Counts(node)) continue;
            if (node.Metadata.Labels[ZoneLabel] is not { Length: > 0 } zone || node.Status.Allocatable["cpu"].MilliValue() is not (> 0 and var cpu)) return null;
            cpus[zone] = cpus.GetValueOrDefault(zone) + cpu;
        }
        double all = cpus.Values.Sum();
        return cpus.Count < 2 ? null : cpus.ToImmutableSortedDictionary(c => c.Key, c => c.Value / all, StringComparer.Ordinal);
    }

    static bool Counts(Node node) =>
        !node.Metadata.Labels.ContainsKey("node-role.kubernetes.io/control-plane") && !node.Metadata.Labels.ContainsKey("node-role.kubernetes.io/master")
        && node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });

    /// <summary>Whether two versions of a node stand for the same share.</summary>
    public static bool SameShare(Node a, Node b) =>
        Counts(a) == Counts(b) && a.Metadata.Labels[ZoneLabel] == b.Metadata.Labels[ZoneLabel] && a.Status.Allocatable["cpu"] == b.Status.Allocatable["cpu"];

    /// <summary>The fewest endpoints of so many that a zone of that share needs.</summary>
    public static int Least(double share, int endpoints) => (int)Math.Ceiling(share * endpoints * (1 / (1 + Overload)));

    /// <summary>Whether a zone has fewer endpoints than it needs, as they were dealt out.</summary>
    public static bool IsOverloaded(IReadOnlyDictionary<string, int> dealt, ImmutableSortedDictionary<string, double>? shares)
    {
        if (dealt.Count == 0) return false;
        if (shares is null) return true;
        int all = dealt.Values.Sum();
        foreach (var (zone, share) in shares)
            if (!dealt.TryGetValue(zone, out int there) || there < Least(share, all)) return true;
        return false;
    }
}
