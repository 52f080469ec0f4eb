using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>One decision: the node for a Pod, or why there is none. No I/O, no clock.</summary>
internal sealed class Cycle(Random random)
{
    /// <summary>Nodes that are looked at in any case; beyond that a share of them is enough, as upstream's adaptive percentage.</summary>
    const int FewNodes = 100;

    int _start;

    /// <summary>The outcome of a decision.</summary>
    /// <param name="Node">Null when no node fits.</param>
    /// <param name="Message">Why not, in upstream's words: <c>0/3 nodes are available: …</c>.</param>
    /// <param name="CurableBy">What may change that.</param>
    public readonly record struct Decision(string? Node, string Message, Change CurableBy);

    public Decision Decide(PodInfo pod, Snapshot snapshot)
    {
        var nodes = snapshot.Nodes;
        if (nodes.Length == 0) return new(null, "no nodes available to schedule pods", Change.NodeAdded);
        var feasible = new List<NodeInfo>();
        Dictionary<string, int>? reasons = null;
        var cures = Change.None;
        int hopeless = 0;
        int enough = Enough(nodes.Length), seen = 0;
        for (; seen < nodes.Length && feasible.Count < enough; seen++)
        {
            var node = nodes[(_start + seen) % nodes.Length];
            var verdict = Filter(pod, node);
            if (verdict.Ok) { feasible.Add(node); continue; }
            cures |= verdict.CurableBy;
            if (verdict.Hopeless) hopeless++;
            reasons ??= [];
            foreach (string reason in verdict.Reason!.Split(", ")) reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
        }
        _start = (_start + seen) % nodes.Length;
        return feasible.Count switch
        {
            0 => new(null, Explain(pod, nodes.Length, reasons!, hopeless), cures),
            1 => new(feasible[0].Name, "", Change.None),
            _ => new(Best(pod, feasible).Name, "", Change.None),
        };
    }

    static Verdict Filter(PodInfo pod, NodeInfo node)
    {
        foreach (var (_, plugin) in Catalog.Filters)
        {
            var verdict = plugin.Filter(pod, node);
            if (!verdict.Ok) return verdict;
        }
        return Verdict.Fits;
    }

    static int Enough(int nodes)
    {
        if (nodes <= FewNodes) return nodes;
        int percent = Math.Max(5, 50 - nodes / 125);
        return Math.Max(FewNodes, nodes * percent / 100);
    }

    NodeInfo Best(PodInfo pod, List<NodeInfo> feasible)
    {
        Span<long> totals = feasible.Count <= 512 ? stackalloc long[feasible.Count] : new long[feasible.Count];
        Span<long> raw = feasible.Count <= 512 ? stackalloc long[feasible.Count] : new long[feasible.Count];
        totals.Clear();
        foreach (var (_, plugin, weight) in Catalog.Scores)
        {
            if (!plugin.Concerns(pod)) continue;
            long most = 0;
            for (int i = 0; i < raw.Length; i++) most = Math.Max(most, raw[i] = plugin.Score(pod, feasible[i]));
            for (int i = 0; i < raw.Length; i++)
                totals[i] += weight * plugin.Scale switch
                {
                    Scaling.ToMost => most == 0 ? 0 : raw[i] * 100 / most,
                    Scaling.ToMostReversed => most == 0 ? 100 : 100 - raw[i] * 100 / most,
                    _ => raw[i],
                };
        }
        // Among equals any will do, but not always the same one.
        int best = 0, equals = 1;
        for (int i = 1; i < totals.Length; i++)
            if (totals[i] > totals[best]) { best = i; equals = 1; }
            else if (totals[i] == totals[best] && random.Next(++equals) == 0) best = i;
        return feasible[best];
    }

    static string Explain(PodInfo pod, int nodes, Dictionary<string, int> reasons, int hopeless)
    {
        string preemption = pod.Pod.Spec.PreemptionPolicy == "Never" ? "not eligible due to preemptionPolicy=Never."
            : Count(nodes, [new("No preemption victims found for incoming pod", nodes - hopeless), new("Preemption is not helpful for scheduling", hopeless)]);
        return $"{Count(nodes, reasons)} preemption: {preemption}";
    }

    /// <summary>Reasons with the number of nodes that gave them, in upstream's order: that of the texts.</summary>
    static string Count(int nodes, IEnumerable<KeyValuePair<string, int>> reasons) =>
        $"0/{nodes} nodes are available: {string.Join(", ", reasons.Where(r => r.Value > 0).Select(r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal))}.";
}
