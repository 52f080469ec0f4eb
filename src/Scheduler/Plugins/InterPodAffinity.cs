using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Tallies;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Brings Pods near those they want near and keeps them from those they, or which, want them away.</summary>
internal sealed class InterPodAffinity(InterPodAffinityArgs args) : IPreFilter, IFilter, IScore
{
    readonly List<Tally> _near = [], _away = [], _keptAway = [];
    /// <summary>Whether nobody matches any demand yet, and the Pod would be its own neighbour: the first of its kind has to start somewhere.</summary>
    bool _first;
    readonly List<(Tally Tally, long Weight)> _scored = [];
    Dictionary<string, Map<string>> _namespaces = [];
    /// <summary>Whom Pods that have a node keep away.</summary>
    Dictionary<PodTerm, CarriedTerm>.ValueCollection _carried = new Dictionary<PodTerm, CarriedTerm>().Values;

    public string Name => "InterPodAffinity";
    public Change Cures => Change.PodAdded | Change.PodRemoved | Change.PodUpdated | Change.NodeAdded | Change.NodeLabels | Change.Namespace;

    public bool FollowsPods => true;

    public bool MayCure(PodInfo pod, in ClusterChange change)
    {
        if (change.Node is { } node) return MayCure(pod, change.Old as Node, node);
        if (change.Pod is not { } other) return true;
        var info = new PodInfo(other);
        if (change.What is Change.PodAdded or Change.PodUpdated)
        {
            if (pod.Terms.Near.Any(t => t.Scope.Matches(info, _namespaces))) return true;
            if (change.What == Change.PodAdded) return false;
        }
        if (pod.Terms.Away.Any(t => t.Scope.Matches(info, _namespaces)) || info.Terms.Away.Any(t => t.Scope.Matches(pod, _namespaces))) return true;
        return change.Old is Pod before && change.New is not null && pod.Terms.Away.Any(t => t.Scope.Matches(new(before), _namespaces));
    }

    /// <summary>A node that comes may be far enough from all; a label of one that is there counts where it is asked for, and is another.</summary>
    bool MayCure(PodInfo pod, Node? before, Node now)
    {
        if (before is null) return pod.Terms.Near.IsEmpty || !pod.Terms.Away.IsEmpty || pod.Terms.Near.Any(t => now.Metadata.Labels.ContainsKey(t.TopologyKey));
        bool Differs(string key) => Value(before, key) != Value(now, key);
        return pod.Terms.Near.Any(t => Value(now, t.TopologyKey) is not null && Differs(t.TopologyKey))
            || pod.Terms.Away.Any(t => Value(before, t.TopologyKey) is not null && Differs(t.TopologyKey))
            || _carried.Any(c => c.Required.Total > 0 && Differs(c.Term.TopologyKey) && c.Term.Scope.Matches(pod, _namespaces));

        static string? Value(Node node, string key) => node.Metadata.Labels.TryGet(key, out string? value) ? value : null;
    }

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _near.Clear();
        _away.Clear();
        _keptAway.Clear();
        (_namespaces, _carried) = (snapshot.Namespaces, snapshot.Tallies.Away);
        foreach (var carried in snapshot.Tallies.Away)
            if (carried.Required.Total > 0 && carried.Term.Scope.Matches(pod, snapshot.Namespaces)) _keptAway.Add(carried.Required);
        var terms = pod.Terms;
        foreach (var term in terms.Away) _away.Add(snapshot.Tallies.Matching([term.Scope], term.TopologyKey, living: false).Counts);
        _first = false;
        if (!terms.Near.IsEmpty)
        {
            // Only Pods that match all the demands count for any of them.
            PodScope[] all = [.. terms.Near.Select(t => t.Scope).Distinct()];
            _first = true;
            foreach (var term in terms.Near)
            {
                var tally = snapshot.Tallies.Matching(all, term.TopologyKey, living: false).Counts;
                _near.Add(tally);
                _first &= tally.Total == 0 && term.Scope.Matches(pod, snapshot.Namespaces);
            }
        }
        return _near.Count + _away.Count + _keptAway.Count == 0 ? Prefiltered.Nothing : Prefiltered.Go;
    }

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        bool met = true;
        foreach (var tally in _near)
        {
            int domain = tally.Topology[node];
            if (domain < 0) return Refused;
            met &= tally[domain] > 0;
        }
        if (!met && !_first) return Refused;
        foreach (var tally in _away) if (tally.Of(node) > 0) return Verdict.Refuse("node(s) didn't match pod anti-affinity rules");
        foreach (var tally in _keptAway) if (tally.Of(node) > 0) return Verdict.Refuse("node(s) didn't satisfy existing pods anti-affinity rules");
        return Verdict.Fits;
    }

    static Verdict Refused => Verdict.Refuse("node(s) didn't match pod affinity rules", hopeless: true);

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits)
    {
        _scored.Clear();
        var terms = pod.Terms;
        foreach (var (term, weight) in terms.PreferNear) Add(snapshot.Tallies.Matching([term.Scope], term.TopologyKey, living: false).Counts, weight);
        foreach (var (term, weight) in terms.PreferAway) Add(snapshot.Tallies.Matching([term.Scope], term.TopologyKey, living: false).Counts, -weight);
        bool wishes = terms.PreferNear.Length + terms.PreferAway.Length > 0;
        if (!args.IgnorePreferredTermsOfExistingPods || wishes)
            foreach (var carried in snapshot.Tallies.Near)
            {
                if (!carried.Term.Scope.Matches(pod, snapshot.Namespaces)) continue;
                if (carried.Required.Total > 0 && args.HardPodAffinityWeight > 0) _scored.Add((carried.Required, args.HardPodAffinityWeight));
                _scored.Add((carried.Weight, 1));
            }
        return _scored.Count > 0;

        void Add(Tally tally, long weight) { if (tally.Total > 0 && weight != 0) _scored.Add((tally, weight)); }
    }

    public long Score(PodInfo pod, NodeInfo node)
    {
        long sum = 0;
        foreach (var (tally, weight) in _scored) sum += weight * tally.Of(node);
        return sum;
    }

    public void Normalize(PodInfo pod, ReadOnlySpan<NodeInfo> fits, Span<long> scores)
    {
        long least = long.MaxValue, most = long.MinValue;
        foreach (long s in scores) (least, most) = (Math.Min(least, s), Math.Max(most, s));
        for (int i = 0; i < scores.Length; i++) scores[i] = most == least ? 0 : (long)(Scores.Most * ((double)(scores[i] - least) / (most - least)));
    }
}
