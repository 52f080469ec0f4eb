using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Tallies;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Spreads Pods of a kind evenly over zones, nodes or other domains: as a demand or as a wish.</summary>
internal sealed class PodTopologySpread(PodTopologySpreadArgs args) : IPreFilter, IFilter, IScore
{
    const string Uneven = "node(s) didn't match pod topology spread constraints", Nowhere = Uneven + " (missing required label)";

    ImmutableArray<SpreadConstraint> _hard = [], _soft = [];
    /// <summary>Of each hard constraint: the fewest Pods of any domain.</summary>
    long[] _fewest = [];
    /// <summary>Of each hard, or soft, constraint: Pods by domain, where not every node counts; null where the tally says it.</summary>
    long[]?[] _hardCounts = [], _softCounts = [];
    double[] _weights = [];
    bool _needsAll;
    /// <summary>By node: it stands in none of the domains, and goes last.</summary>
    readonly HashSet<int> _ignored = [];

    public string Name => "PodTopologySpread";
    public Change Cures => Change.PodAdded | Change.PodRemoved | Change.PodUpdated | Change.NodeAdded | Change.NodeRemoved | Change.NodeLabels | Change.NodeTaints;

    public bool FollowsPods => true;

    public bool MayCure(PodInfo pod, in ClusterChange change)
    {
        if (change.Pod is { } other)
        {
            if (other.Metadata.Namespace != pod.Key.Namespace) return false;
            foreach (var c in pod.Pod.Spec.TopologySpreadConstraints)
            {
                var selector = PodScope.SelectorOf(c.LabelSelector);
                if (selector.Matches(other.Metadata.Labels) || (change.Old is Pod before && selector.Matches(before.Metadata.Labels))) return true;
            }
            return pod.Pod.Spec.TopologySpreadConstraints.IsEmpty;
        }
        // The domain with the fewest Pods may be gone.
        if (change is { What: Change.NodeRemoved, Old: Node gone } && !pod.Pod.Spec.TopologySpreadConstraints.IsEmpty)
            return pod.Pod.Spec.TopologySpreadConstraints.Exists(c => gone.Metadata.Labels.ContainsKey(c.TopologyKey));
        return true;
    }

    static bool Hard(TopologySpreadConstraint c) => c.WhenUnsatisfiable == "DoNotSchedule";

    ImmutableArray<SpreadConstraint> Constraints(PodInfo pod, Snapshot snapshot, bool hard)
    {
        var own = pod.Pod.Spec.TopologySpreadConstraints;
        if (own.IsEmpty && args.Defaults.IsEmpty) return [];
        if (!own.IsEmpty)
        {
            bool any = false;
            foreach (var c in own) any |= Hard(c) == hard;
            return any ? [.. own.Where(c => Hard(c) == hard).Select(c => SpreadConstraint.Of(c, pod, snapshot))] : [];
        }
        if (!args.Defaults.Any(c => Hard(c) == hard) || snapshot.Owners.Of(pod) is not { } selector) return [];
        return [.. args.Defaults.Where(c => Hard(c) == hard).Select(c => SpreadConstraint.Of(c, pod, snapshot, selector))];
    }

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _hard = Constraints(pod, snapshot, hard: true);
        if (_hard.IsEmpty) return Prefiltered.Nothing;
        Array.Resize(ref _fewest, _hard.Length);
        Array.Resize(ref _hardCounts, _hard.Length);
        bool all = SpreadConstraint.AllCount(_hard, pod);
        for (int i = 0; i < _hard.Length; i++)
        {
            var c = _hard[i];
            var (fewest, domains) = all ? Tallied(c) : Counted(i, c, pod, snapshot);
            _fewest[i] = domains < c.MinDomains ? 0 : fewest;
        }
        return Prefiltered.Go;
    }

    (long Fewest, int Domains) Tallied(SpreadConstraint c)
    {
        _hardCounts[_hard.IndexOf(c)] = null;
        long fewest = long.MaxValue;
        var nodes = c.Topology.Nodes;
        for (int d = 0; d < nodes.Length; d++) if (nodes[d] > 0) fewest = Math.Min(fewest, c.Pods.Counts[d]);
        return (fewest, c.Topology.Inhabited);
    }

    (long Fewest, int Domains) Counted(int i, SpreadConstraint c, PodInfo pod, Snapshot snapshot)
    {
        long[] counts = _hardCounts[i] = Fresh(_hardCounts[i], c.Topology.Domains);
        Array.Fill(counts, -1);
        int domains = 0;
        foreach (var node in snapshot.Nodes)
        {
            if (!SpreadConstraint.HasAll(_hard, node) || !c.Counts(pod, node)) continue;
            int d = c.Topology[node];
            if (counts[d] < 0) { counts[d] = 0; domains++; }
            counts[d] += c.Pods.On(node);
        }
        long fewest = long.MaxValue;
        foreach (long n in counts) if (n >= 0) fewest = Math.Min(fewest, n);
        return (fewest, domains);
    }

    static long[] Fresh(long[]? old, int length) => old is not null && old.Length == length ? old : new long[length];

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        for (int i = 0; i < _hard.Length; i++)
        {
            var c = _hard[i];
            int d = c.Topology[node];
            if (d < 0) return Verdict.Refuse(Nowhere, hopeless: true);
            long there = _hardCounts[i] is { } counts ? Math.Max(0, counts[d]) : c.Pods.Counts[d];
            // Where no domain counts at all, upstream's minimum is the greatest number there is.
            if (there + (c.CountsItself ? 1 : 0) - (_fewest[i] == long.MaxValue ? int.MaxValue : _fewest[i]) > c.MaxSkew) return Verdict.Refuse(Uneven);
        }
        return Verdict.Fits;
    }

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits)
    {
        _soft = Constraints(pod, snapshot, hard: false);
        if (_soft.IsEmpty) return false;
        _needsAll = !pod.Pod.Spec.TopologySpreadConstraints.IsEmpty || !args.IsSystem;
        _ignored.Clear();
        if (_needsAll && _soft.Any(c => c.Topology.Outside > 0))
            foreach (var node in fits) if (!SpreadConstraint.HasAll(_soft, node)) _ignored.Add(node.Index);
        Array.Resize(ref _weights, _soft.Length);
        Array.Resize(ref _softCounts, _soft.Length);
        bool all = SpreadConstraint.AllCount(_soft, pod);
        for (int i = 0; i < _soft.Length; i++)
        {
            var c = _soft[i];
            bool byNode = c.Topology.Key == "kubernetes.io/hostname";
            int size = byNode ? fits.Length - _ignored.Count : DomainsOf(c, fits);
            _weights[i] = Math.Log(size + 2);
            _softCounts[i] = byNode || all ? null : CountSoft(_softCounts[i], c, pod, snapshot);
        }
        return true;
    }

    /// <summary>Domains among the nodes that fit.</summary>
    int DomainsOf(SpreadConstraint c, ReadOnlySpan<NodeInfo> fits)
    {
        Span<bool> seen = c.Topology.Domains <= 1024 ? stackalloc bool[c.Topology.Domains] : new bool[c.Topology.Domains];
        seen.Clear();
        int count = 0;
        // Nodes without the label, where that does not leave them out, are together as one domain more.
        if (!_needsAll && c.Topology.Outside > 0)
            foreach (var node in fits) if (c.Topology[node] < 0) { count++; break; }
        int most = c.Topology.Inhabited + count;
        foreach (var node in fits)
        {
            int d = c.Topology[node];
            if (d < 0 || seen[d] || (_ignored.Count > 0 && _ignored.Contains(node.Index))) continue;
            seen[d] = true;
            // All there are have been seen.
            if (++count == most) break;
        }
        return count;
    }

    long[] CountSoft(long[]? old, SpreadConstraint c, PodInfo pod, Snapshot snapshot)
    {
        long[] counts = Fresh(old, c.Topology.Domains);
        Array.Clear(counts);
        foreach (var node in snapshot.Nodes)
        {
            int d = c.Topology[node];
            if (d >= 0 && (!_needsAll || SpreadConstraint.HasAll(_soft, node)) && c.Counts(pod, node)) counts[d] += c.Pods.On(node);
        }
        return counts;
    }

    public long Score(PodInfo pod, NodeInfo node)
    {
        if (_ignored.Count > 0 && _ignored.Contains(node.Index)) return 0;
        double score = 0;
        for (int i = 0; i < _soft.Length; i++)
        {
            var c = _soft[i];
            int d = c.Topology[node];
            if (d < 0) continue;
            long there = c.Topology.Key == "kubernetes.io/hostname" ? c.Pods.On(node) : _softCounts[i] is { } counts ? counts[d] : c.Pods.Counts[d];
            score += there * _weights[i] + (c.MaxSkew - 1);
        }
        return (long)Math.Round(score, MidpointRounding.AwayFromZero);
    }

    public void Normalize(PodInfo pod, ReadOnlySpan<NodeInfo> fits, Span<long> scores)
    {
        long least = long.MaxValue, most = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (_ignored.Count > 0 && _ignored.Contains(fits[i].Index)) continue;
            least = Math.Min(least, scores[i]);
            most = Math.Max(most, scores[i]);
        }
        for (int i = 0; i < scores.Length; i++)
            scores[i] = _ignored.Count > 0 && _ignored.Contains(fits[i].Index) ? 0 : most == 0 ? Scores.Most : Scores.Most * (most + least - scores[i]) / most;
    }
}
