using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;

namespace Hanbae.Scheduler.Tests.Equivalence;

/// <summary>Who would have to go for a Pod, by what upstream's documentation says, node by node and with everything counted out each time.</summary>
sealed class PreemptionReference(IReadOnlyList<Node> nodes, IReadOnlyList<Pod> pods, IReadOnlyList<PodDisruptionBudget> budgets)
{
    public sealed record Way(string Node, List<string> Victims, (int Violations, int Highest, long Sum, int Count, long Start) Harm);

    static int Priority(Pod pod) => pod.Spec.Priority ?? 0;

    static IEnumerable<Pod> Ordered(IEnumerable<Pod> all) => all.OrderByDescending(Priority).ThenBy(p => p.Status.StartTime).ThenBy(p => p.Metadata.Name, StringComparer.Ordinal);

    /// <summary>The ways that do the least harm, all alike.</summary>
    public List<Way> Best(Pod pod)
    {
        List<Way> ways = [.. nodes.Select(n => On(n, pod)).OfType<Way>()];
        if (ways.Count == 0) return ways;
        var least = ways.Min(w => w.Harm);
        return [.. ways.Where(w => w.Harm == least)];
    }

    Way? On(Node node, Pod pod)
    {
        var lower = Ordered(pods.Where(p => p.Spec.NodeName == node.Metadata.Name && Priority(p) < Priority(pod))).ToList();
        HashSet<Pod> gone = [.. lower];
        bool fits() => new Reference(nodes, [.. pods.Where(p => !gone.Contains(p))]).Fits(pod).Contains(node);
        if (lower.Count == 0 || !fits()) return null;
        var left = budgets.ToDictionary(b => b.Metadata.Name, b => b.Status.DisruptionsAllowed);
        List<Pod> violating = [];
        foreach (var p in lower)
        {
            bool breaks = false;
            foreach (var b in budgets.Where(b => b.Spec.Selector.ToSelector().Matches(p.Metadata.Labels) && !b.Status.DisruptedPods.ContainsKey(p.Metadata.Name))) breaks |= --left[b.Metadata.Name] < 0;
            if (breaks) violating.Add(p);
        }
        foreach (var p in violating.Concat(lower.Except(violating)))
        {
            gone.Remove(p);
            if (!fits()) gone.Add(p);
        }
        if (gone.Count == 0) return null;
        var victims = Ordered(gone).ToList();
        int highest = Priority(victims[0]);
        return new(node.Metadata.Name, [.. victims.Select(v => v.Metadata.Name)],
            (victims.Count(violating.Contains), highest, victims.Sum(v => Priority(v) + (1L << 31)), victims.Count, -victims.Where(v => Priority(v) == highest).Min(v => v.Status.StartTime!.Value.UtcTicks)));
    }
}
