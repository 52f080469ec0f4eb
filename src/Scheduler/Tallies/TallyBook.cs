using System.Runtime.InteropServices;
using Hanbae.Api;

namespace Hanbae.Scheduler.Tallies;

/// <summary>Keeps every count that decisions ask for over Pods and topologies, so that a decision costs the same however many Pods there are.</summary>
/// <remarks>
/// Counts of matching Pods are begun when first asked for and kept up from then on; at most <see cref="Most"/>, then a quarter goes, the longest unasked.
/// A Pod that comes or goes is shown only to the counts that its labels lead to, and a count begins with the Pods that its labels lead to:
/// clusters have more workloads than counts are kept.
/// </remarks>
internal sealed class TallyBook(Snapshot snapshot)
{
    const int Most = 512;

    readonly Dictionary<string, Topology> _topologies = [];
    readonly Dictionary<(PodScope First, string More, string Topology, bool Living), MatchTally> _matches = [];
    /// <summary>Each count stands under one label that its Pods must have, or among those that demand none.</summary>
    readonly Dictionary<(string Label, string Value), List<MatchTally>> _byLabel = [];
    readonly List<MatchTally> _unlabelled = [];
    readonly PodsByLabel _pods = new(snapshot);
    readonly Dictionary<PodTerm, CarriedTerm> _away = [], _near = [];
    long _clock;

    /// <summary>Terms by which Pods that have a node keep others away.</summary>
    public Dictionary<PodTerm, CarriedTerm>.ValueCollection Away => _away.Values;
    /// <summary>Terms by which Pods that have a node draw others, or wish them away.</summary>
    public Dictionary<PodTerm, CarriedTerm>.ValueCollection Near => _near.Values;

    public Topology TopologyOf(string key)
    {
        if (_topologies.TryGetValue(key, out var topology)) return topology;
        _topologies[key] = topology = new(key);
        foreach (var node in snapshot.Nodes) topology.Add(node.Index, LabelOf(node, key));
        return topology;
    }

    /// <summary>Counts Pods that match all of the scopes.</summary>
    public MatchTally Matching(ReadOnlySpan<PodScope> scopes, string topologyKey, bool living)
    {
        string more = scopes.Length == 1 ? "" : string.Join('\n', scopes[1..].ToArray().Select(s => s.ToString()));
        ref var tally = ref CollectionsMarshal.GetValueRefOrAddDefault(_matches, (scopes[0], more, topologyKey, living), out bool known);
        if (!known)
        {
            var begun = tally = new MatchTally(TopologyOf(topologyKey), scopes.ToArray(), living) { Used = ++_clock };
            PlaceOf(begun).Add(begun);
            if (_pods.TryNear(scopes[0], out var parts))
            {
                foreach (var part in parts)
                    foreach (var (pod, node) in part) begun.Add(pod, node, 1, snapshot);
            }
            else
                foreach (var node in snapshot.Nodes)
                    foreach (var pod in node.Pods) begun.Add(pod, node, 1, snapshot);
            if (_matches.Count > Most) foreach (var (key, _) in _matches.OrderBy(m => m.Value.Used).Take(Most / 4).ToList()) Drop(key);
            return begun;
        }
        tally!.Used = ++_clock;
        return tally;
    }

    /// <summary>Among those that a Pod of the right labels is shown to: the shortest such list.</summary>
    List<MatchTally> PlaceOf(MatchTally tally)
    {
        (string, string)? best = null;
        int fewest = int.MaxValue;
        foreach (var requirement in tally.Scopes[0].Selector.Requirements)
        {
            if (!requirement.IsExact()) continue;
            int there = _byLabel.TryGetValue((requirement.Key, requirement.Values[0]), out var list) ? list.Count : 0;
            if (there < fewest) (fewest, best) = (there, (requirement.Key, requirement.Values[0]));
        }
        if (best is not { } label) return _unlabelled;
        ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_byLabel, label, out _);
        return place ??= [];
    }

    void Drop((PodScope, string, string, bool) key)
    {
        if (!_matches.Remove(key, out var tally)) return;
        if (_unlabelled.Remove(tally)) return;
        foreach (var requirement in tally.Scopes[0].Selector.Requirements)
            if (requirement.IsExact() && _byLabel.TryGetValue((requirement.Key, requirement.Values[0]), out var list) && list.Remove(tally) && list.Count == 0)
                _byLabel.Remove((requirement.Key, requirement.Values[0]));
    }

    public void AddNode(NodeInfo node)
    {
        foreach (var topology in _topologies.Values) topology.Add(node.Index, LabelOf(node, topology.Key));
        foreach (var pod in node.Pods) Count(pod, node, 1);
    }

    public void RemoveNode(NodeInfo node)
    {
        foreach (var pod in node.Pods) Count(pod, node, -1);
        foreach (var topology in _topologies.Values) topology.Remove(node.Index);
    }

    /// <summary>Whether the node stands in another domain of any topology in use once it has these labels.</summary>
    public bool Moves(NodeInfo node, Map<string> labels)
    {
        foreach (var topology in _topologies.Values)
            if (!string.Equals(LabelOf(node, topology.Key), labels.TryGet(topology.Key, out string? value) ? value : null)) return true;
        return false;
    }

    /// <param name="sign">1 for a Pod that came to the node, −1 for one that leaves it.</param>
    public void Count(PodInfo pod, NodeInfo node, int sign)
    {
        _pods.Count(pod, node, sign);
        foreach (var tally in _unlabelled) tally.Add(pod, node, sign, snapshot);
        foreach (var (label, value) in pod.Labels)
            if (_byLabel.TryGetValue((label, value), out var counts)) foreach (var tally in counts) tally.Add(pod, node, sign, snapshot);
        var terms = pod.Terms;
        if (terms.IsEmpty) return;
        foreach (var term in terms.Away) Carry(_away, term, sign)?.Required.Add(node, sign);
        foreach (var term in terms.Near) Carry(_near, term, sign)?.Required.Add(node, sign);
        foreach (var (term, weight) in terms.PreferNear) Carry(_near, term, sign)?.Weight.Add(node, (long)sign * weight);
        foreach (var (term, weight) in terms.PreferAway) Carry(_near, term, sign)?.Weight.Add(node, -(long)sign * weight);
    }

    /// <summary>Namespaces have other labels: what was matched by them is counted anew when it is next asked for.</summary>
    public void ForgetNamespaces()
    {
        foreach (var (key, tally) in _matches)
            if (Array.Exists(tally.Scopes, s => s.NamespaceSelector is not null)) Drop(key);
    }

    /// <returns>The entry to count in; null when its last carrier has gone, and the entry with it.</returns>
    CarriedTerm? Carry(Dictionary<PodTerm, CarriedTerm> terms, PodTerm term, int sign)
    {
        if (!terms.TryGetValue(term, out var carried)) terms[term] = carried = new(term, TopologyOf(term.TopologyKey));
        carried.Carriers += sign;
        if (carried.Carriers > 0) return carried;
        terms.Remove(term);
        return null;
    }

    static string? LabelOf(NodeInfo node, string key) => node.Node!.Metadata.Labels.TryGet(key, out string? value) ? value : null;
}
