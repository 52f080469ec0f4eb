using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Makes room for a Pod by having Pods of lower priority go: as few, as unimportant and as recent as possible, and no budget broken that need not be.</summary>
/// <remarks>
/// A dry run takes Pods out of the snapshot, asks the filters, and puts them back: every count is kept by difference, so that costs what the Pods cost.
/// Of a node that has not changed since a Pod of the same shape was here the result is known.
/// </remarks>
internal sealed class DefaultPreemption(DefaultPreemptionArgs args) : IPostFilter
{
    /// <summary>A node, and who would have to leave it, most important first.</summary>
    internal sealed record Candidate(NodeInfo Node, List<PodInfo> Victims, int Violations)
    {
        readonly int _first = Victims[0].Priority;
        /// <summary>Each counts as more than nothing, however negative its priority.</summary>
        readonly long _sum = Victims.Sum(v => v.Priority + (long)int.MaxValue + 1);
        /// <summary>Of the most important victims the earliest start is compared: who has run longest stays.</summary>
        readonly long _start = Victims.Where(v => v.Priority == Victims[0].Priority).Min(Started).UtcTicks;

        /// <summary>Below zero when this one does less harm, by upstream's criteria one after the other.</summary>
        public int Compare(Candidate other)
        {
            int order = Violations.CompareTo(other.Violations);
            if (order == 0) order = _first.CompareTo(other._first);
            if (order == 0) order = _sum.CompareTo(other._sum);
            if (order == 0) order = Victims.Count.CompareTo(other.Victims.Count);
            return order != 0 ? order : other._start.CompareTo(_start);
        }
    }

    readonly List<PodInfo> _lower = [], _out = [];

    public string Name => "DefaultPreemption";

    public PostFiltered PostFilter(PodInfo pod, Cycle cycle)
    {
        var snapshot = cycle.Snapshot;
        if (pod.Pod.Spec.PreemptionPolicy == "Never") return new("preemption: not eligible due to preemptionPolicy=Never.");
        if (Waits(pod, cycle)) return new("preemption: not eligible due to a terminating pod on the nominated node.", Waits: true);

        var open = cycle.Open();
        Dictionary<string, int> refusals = [];
        var candidates = open.Length == 0 ? [] : Candidates(pod, cycle, open, refusals);
        if (cycle.Offers && candidates.Count > 0) return new("") { Candidates = candidates };
        if (Pick(candidates) is { } best) return new("", best.Node.Name, best.Victims);
        int total = snapshot.Nodes.Length;
        return new("preemption: " + Reasons.Say(total, Reasons.Of(refusals, total - refusals.Values.Sum(), "Preemption is not helpful for scheduling")));
    }

    /// <summary>Room was made before and those who make it are still leaving; unless the node is of no use by now, however much room there is.</summary>
    static bool Waits(PodInfo pod, Cycle cycle) =>
        cycle.Snapshot.NominatedNode(pod.Uid) is { Length: > 0 } nominated && cycle.Snapshot.Find(nominated) is { } node && !cycle.IsHopeless(node)
        && node.Pods.Any(p => p.Priority < pod.Priority && p.Terminating && p.Pod.Status.Conditions.Exists(c => c is { Type: "DisruptionTarget", Status: "True", Reason: "PreemptionByScheduler" }));

    List<Candidate> Candidates(PodInfo pod, Cycle cycle, ReadOnlySpan<NodeInfo> open, Dictionary<string, int> refusals)
    {
        var snapshot = cycle.Snapshot;
        int enough = Math.Min(open.Length, Math.Max(args.MinCandidateNodesAbsolute, open.Length * args.MinCandidateNodesPercentage / 100));
        var budgets = new Budgets(snapshot.Budgets);
        var known = cycle.Impasse;
        known?.Heed(snapshot.Budgets);
        List<Candidate> found = [];
        bool clean = false, tried = false;
        int start = cycle.Random.Next(open.Length);
        for (int i = 0; i < open.Length && !(found.Count >= enough && clean); i++)
        {
            var node = open[(start + i) % open.Length];
            if (known?.Recall(node) is not { } result)
            {
                result = Try(pod, node, cycle, budgets);
                known?.Keep(node, pod, result);
                tried = true;
            }
            if (result.Candidate is { } candidate)
            {
                found.Add(candidate);
                clean |= candidate.Violations == 0;
            }
            else refusals[result.Refusal] = refusals.GetValueOrDefault(result.Refusal) + 1;
        }
        if (tried && !cycle.Profile.NodeLocal) cycle.Profile.Open(pod, snapshot);
        return found;
    }

    Impasse.DryRun Try(PodInfo pod, NodeInfo node, Cycle cycle, Budgets budgets)
    {
        var snapshot = cycle.Snapshot;
        _lower.Clear();
        foreach (var p in node.Pods) if (p.Priority < pod.Priority) _lower.Add(p);
        if (_lower.Count == 0) return new(null, "No preemption victims found for incoming pod", false);
        bool local = cycle.Profile.NodeLocal;
        foreach (var p in _lower) Leaves(p);
        _lower.Sort(MoreImportantFirst);
        _out.Clear();
        try
        {
            if (Fits() is { Ok: false } verdict) { _out.AddRange(_lower); return new(null, verdict.Reason!, false); }
            // Those whose budgets would be broken are let stay first, then the most important ones.
            var (violating, harmless) = budgets.Split(_lower);
            int violations = 0;
            foreach (var p in violating) if (!Stays(p)) { _out.Add(p); violations++; }
            foreach (var p in harmless) if (!Stays(p)) _out.Add(p);
            if (_out.Count == 0) return new(null, "", budgets.Guard);
            if (violations > 0) _out.Sort(MoreImportantFirst);
            return new(new(node, [.. _out], violations), "", budgets.Guard);
        }
        finally { foreach (var p in _out) Comes(p); }

        // What is asked of this node alone need not be counted anywhere else.
        void Comes(PodInfo p) { if (local) node.AddGuest(p); else snapshot.Join(p, node); }
        void Leaves(PodInfo p) { if (local) node.Remove(p.Uid); else snapshot.Leave(p.Uid, node); }

        bool Stays(PodInfo p)
        {
            Comes(p);
            if (Fits().Ok) return true;
            Leaves(p);
            return false;
        }

        Verdict Fits()
        {
            // What is worked out before nodes are looked at may depend on the Pods that have just gone.
            if (!local) cycle.Profile.Reopen(pod, snapshot);
            return cycle.Profile.FilterWithNominated(pod, node, snapshot);
        }
    }

    internal static int MoreImportantFirst(PodInfo a, PodInfo b)
    {
        if (a.Priority != b.Priority) return b.Priority.CompareTo(a.Priority);
        int order = Started(a).CompareTo(Started(b));
        return order != 0 ? order : string.CompareOrdinal(a.Key.Name, b.Key.Name);
    }

    static DateTimeOffset Started(PodInfo p) => p.Pod.Status.StartTime ?? DateTimeOffset.MaxValue;

    /// <summary>The candidate that does the least harm; of equals the first.</summary>
    internal static Candidate? Pick(List<Candidate> candidates)
    {
        Candidate? best = null;
        foreach (var c in candidates) if (best is null || c.Compare(best) < 0) best = c;
        return best;
    }
}
