using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Makes room for a Pod by having Pods of lower priority go: as few, as unimportant and as recent as possible, and no budget broken that need not be.</summary>
/// <remarks>A dry run takes Pods out of the snapshot, asks the filters, and puts them back: every count is kept by difference, so that costs what the Pods cost.</remarks>
internal sealed class DefaultPreemption(DefaultPreemptionArgs args) : IPostFilter
{
    /// <summary>A node, and who would have to leave it, most important first.</summary>
    internal sealed record Candidate(NodeInfo Node, List<PodInfo> Victims, int Violations);

    readonly List<PodInfo> _lower = [], _out = [];
    readonly List<NodeInfo> _open = [];

    public string Name => "DefaultPreemption";

    public PostFiltered PostFilter(PodInfo pod, Cycle cycle)
    {
        var snapshot = cycle.Snapshot;
        if (pod.Pod.Spec.PreemptionPolicy == "Never") return new("preemption: not eligible due to preemptionPolicy=Never.");
        if (Waits(pod, snapshot)) return new("preemption: not eligible due to a terminating pod on the nominated node.", Waits: true);

        _open.Clear();
        foreach (var (node, verdict) in cycle.Refused) if (!verdict.Hopeless) _open.Add(node);
        var open = _open;
        List<string> refusals = [];
        var candidates = open.Count == 0 ? [] : Candidates(pod, cycle, open, refusals);
        if (cycle.Offers && candidates.Count > 0) return new("") { Candidates = candidates };
        if (Pick(candidates) is { } best) return new("", best.Node.Name, best.Victims);
        int total = snapshot.Nodes.Length;
        return new("preemption: " + Reasons.Say(total, Reasons.Of(refusals, total - refusals.Count, "Preemption is not helpful for scheduling")));
    }

    /// <summary>Room was made before and those who make it are still leaving.</summary>
    bool Waits(PodInfo pod, Snapshot snapshot) =>
        snapshot.NominatedNode(pod.Uid) is { Length: > 0 } nominated && snapshot.Find(nominated) is { } node
        && node.Pods.Any(p => p.Priority < pod.Priority && p.Terminating && p.Pod.Status.Conditions.Exists(c => c is { Type: "DisruptionTarget", Status: "True", Reason: "PreemptionByScheduler" }));

    List<Candidate> Candidates(PodInfo pod, Cycle cycle, List<NodeInfo> open, List<string> refusals)
    {
        var snapshot = cycle.Snapshot;
        int enough = Math.Min(open.Count, Math.Max(args.MinCandidateNodesAbsolute, open.Count * args.MinCandidateNodesPercentage / 100));
        var budgets = new Budgets(snapshot.Budgets.Values);
        List<Candidate> found = [];
        bool clean = false;
        int start = cycle.Random.Next(open.Count);
        for (int i = 0; i < open.Count && !(found.Count >= enough && clean); i++)
        {
            var node = open[(start + i) % open.Count];
            if (Victims(pod, node, cycle, budgets, out string refusal) is { } candidate)
            {
                found.Add(candidate);
                clean |= candidate.Violations == 0;
            }
            else refusals.Add(refusal);
        }
        cycle.Profile.Open(pod, snapshot);
        return found;
    }

    Candidate? Victims(PodInfo pod, NodeInfo node, Cycle cycle, Budgets budgets, out string refusal)
    {
        refusal = "";
        var snapshot = cycle.Snapshot;
        _lower.Clear();
        foreach (var p in node.Pods) if (p.Priority < pod.Priority) _lower.Add(p);
        if (_lower.Count == 0) { refusal = "No preemption victims found for incoming pod"; return null; }
        bool local = cycle.Profile.NodeLocal;
        foreach (var p in _lower) Leaves(p);
        _lower.Sort(MoreImportantFirst);
        _out.Clear();
        try
        {
            if (Fits() is { Ok: false } verdict) { refusal = verdict.Reason!; _out.AddRange(_lower); return null; }
            // Those whose budgets would be broken are let stay first, then the most important ones.
            budgets.Begin();
            var (violating, harmless) = budgets.Split(_lower);
            int violations = 0;
            foreach (var p in violating) if (!Stays(p)) { _out.Add(p); violations++; }
            foreach (var p in harmless) if (!Stays(p)) _out.Add(p);
            if (_out.Count == 0) return null;
            if (violations > 0) _out.Sort(MoreImportantFirst);
            return new(node, [.. _out], violations);
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

    /// <summary>The candidate that does the least harm, by upstream's criteria one after the other.</summary>
    internal static Candidate? Pick(List<Candidate> candidates)
    {
        var left = candidates;
        left = Least(left, c => c.Violations);
        left = Least(left, c => c.Victims[0].Priority);
        // Each counts as more than nothing, however negative its priority.
        left = Least(left, c => c.Victims.Sum(v => v.Priority + (long)int.MaxValue + 1));
        left = Least(left, c => c.Victims.Count);
        // Of the most important victims the earliest start is compared: who has run longest stays.
        left = Least(left, c => -c.Victims.Where(v => v.Priority == c.Victims[0].Priority).Min(Started).UtcTicks);
        return left.FirstOrDefault();

        static List<Candidate> Least(List<Candidate> among, Func<Candidate, long> measure)
        {
            if (among.Count < 2) return among;
            long least = among.Min(measure);
            return [.. among.Where(c => measure(c) == least)];
        }
    }
}
