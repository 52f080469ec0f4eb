using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Proxy.Rules;

/// <summary>An endpoint of one port.</summary>
internal readonly record struct Target(string Address, int Port);

/// <summary>Who answers for a port of a Service, seen from one node.</summary>
/// <param name="Cluster">For policy Cluster: those ready, by hints only the near ones; when none is ready, those that still serve while they end (KEP-1669).</param>
/// <param name="Local">For policy Local: the same of this node, without hints.</param>
/// <param name="Anywhere">There are some, if perhaps none that policy Local may use here.</param>
internal sealed record Reachable(ImmutableArray<Target> Cluster, ImmutableArray<Target> Local, bool Anywhere)
{
    readonly record struct Candidate(Target Target, Endpoint Endpoint)
    {
        public bool Ready => Endpoint.Conditions.Ready ?? true;
        /// <summary>Who says nothing of it serves, as the API has it.</summary>
        public bool Ending => Endpoint.Conditions is { Serving: not false, Terminating: true };
    }

    /// <param name="slices">Of the family.</param>
    public static Reachable From(IEnumerable<EndpointSlice> slices, ServicePort port, NodePlace here)
    {
        var found = new SortedDictionary<string, Candidate>(StringComparer.Ordinal);
        foreach (var slice in slices)
            foreach (var p in slice.Ports)
                if ((p.Name ?? "") == port.Name && (p.Protocol ?? "TCP") == port.Protocol && p.Port is { } number)
                    foreach (var e in slice.Endpoints)
                    {
                        if (e.Addresses.Count == 0) continue;
                        var candidate = new Candidate(new(e.Addresses[0], number), e);
                        string key = $"{e.Addresses[0]}:{number}";
                        // A Pod may be in two slices while it moves from one to the other: the better word counts.
                        if (!found.TryGetValue(key, out var other) || (candidate.Ready && !other.Ready)) found[key] = candidate;
                    }
        Candidate[] ready = [.. found.Values.Where(c => c.Ready)];
        Candidate[] usable = ready.Length > 0 ? ready : [.. found.Values.Where(c => c.Ending)];
        var near = Near(ready, here);
        return new(
            Of(ready.Length > 0 ? ready.Where(near) : usable),
            LocalOf([.. found.Values.Where(c => c.Endpoint.NodeName == here.Name)]),
            usable.Length > 0);
    }

    static ImmutableArray<Target> LocalOf(Candidate[] here) => here.Any(c => c.Ready) ? Of(here.Where(c => c.Ready)) : Of(here.Where(c => c.Ending));

    static ImmutableArray<Target> Of(IEnumerable<Candidate> candidates) => [.. candidates.Select(c => c.Target)];

    /// <summary>Hints count when every ready endpoint has one and one is for here: those of the node before those of the zone (KEP-3015, KEP-2433).</summary>
    static Func<Candidate, bool> Near(Candidate[] ready, NodePlace here)
    {
        bool OfNode(Candidate c) => c.Endpoint.Hints?.ForNodes.Exists(n => n.Name == here.Name) == true;
        bool OfZone(Candidate c) => c.Endpoint.Hints?.ForZones.Exists(z => z.Name == here.Zone) == true;
        if (ready.All(c => c.Endpoint.Hints?.ForNodes.IsEmpty == false) && ready.Any(OfNode)) return OfNode;
        if (ready.All(c => c.Endpoint.Hints?.ForZones.IsEmpty == false) && ready.Any(OfZone)) return OfZone;
        return _ => true;
    }
}
