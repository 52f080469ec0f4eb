using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Tests.Equivalence;

/// <summary>What the rules say, counted out node by node and Pod by Pod: slow, and plain enough to be read against upstream's documentation.</summary>
sealed class Reference(IReadOnlyList<Node> nodes, IReadOnlyList<Pod> pods)
{
    IEnumerable<Pod> On(Node node) => pods.Where(p => p.Spec.NodeName == node.Metadata.Name);
    static string? Domain(Node node, string key) => node.Metadata.Labels.TryGet(key, out string? value) ? value : null;
    IEnumerable<Node> Sharing(Node node, string key) => Domain(node, key) is { } domain ? nodes.Where(n => Domain(n, key) == domain) : [];

    static bool Tolerates(Pod pod, Taint taint) => pod.Spec.Tolerations.Exists(t => (t.Key.Length == 0 || t.Key == taint.Key) && (t.Operator == "Exists" || t.Value == taint.Value) && (t.Effect.Length == 0 || t.Effect == taint.Effect));
    static readonly Taint Cordon = new() { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" };
    static bool Taints(Pod pod, Node node) => node.Spec.Taints.All(t => t.Effect == "PreferNoSchedule" || Tolerates(pod, t));
    static bool Selected(Pod pod, Node node) => pod.Spec.NodeSelector.All(s => Domain(node, s.Key) == s.Value);

    static bool Means(PodAffinityTerm term, Pod owner, Pod other) =>
        (term.Namespaces.IsEmpty ? other.Metadata.Namespace == owner.Metadata.Namespace : term.Namespaces.Contains(other.Metadata.Namespace)) && term.LabelSelector.ToSelector().Matches(other.Metadata.Labels);

    static Seq<PodAffinityTerm> Near(Pod pod) => pod.Spec.Affinity?.PodAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? default;
    static Seq<PodAffinityTerm> Away(Pod pod) => pod.Spec.Affinity?.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? default;
    static Seq<WeightedPodAffinityTerm> PreferNear(Pod pod) => pod.Spec.Affinity?.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? default;
    static Seq<WeightedPodAffinityTerm> PreferAway(Pod pod) => pod.Spec.Affinity?.PodAntiAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? default;

    public IEnumerable<Node> Fits(Pod pod) => nodes.Where(n => (!n.Spec.Unschedulable || Tolerates(pod, Cordon)) && Taints(pod, n) && Selected(pod, n) && Room(pod, n) && Spread(pod, n) && Affine(pod, n));

    static (long Cpu, long Memory) Asked(Pod pod, long cpu = 0, long memory = 0) =>
        (pod.Spec.Containers.Sum(c => c.Resources.Requests.TryGet("cpu", out var q) ? q.MilliValue() : cpu), pod.Spec.Containers.Sum(c => c.Resources.Requests.TryGet("memory", out var q) ? q.Value() : memory));

    static (long Cpu, long Memory, long Pods) Has(Node node) => (node.Status.Allocatable["cpu"].MilliValue(), node.Status.Allocatable["memory"].Value(), node.Status.Allocatable["pods"].Value());

    bool Room(Pod pod, Node node)
    {
        var (asked, has, there) = (Asked(pod), Has(node), On(node).ToList());
        return there.Count < has.Pods && (asked.Cpu == 0 || asked.Cpu + there.Sum(p => Asked(p).Cpu) <= has.Cpu) && (asked.Memory == 0 || asked.Memory + there.Sum(p => Asked(p).Memory) <= has.Memory);
    }

    /// <summary>Pods of the constraint on the node.</summary>
    int Count(TopologySpreadConstraint c, Pod pod, Node node) =>
        On(node).Count(p => p.Metadata.DeletionTimestamp is null && p.Metadata.Namespace == pod.Metadata.Namespace && c.LabelSelector.ToSelector().Matches(p.Metadata.Labels));

    static bool Counts(TopologySpreadConstraint c, Pod pod, Node node) => (c.NodeAffinityPolicy == "Ignore" || Selected(pod, node)) && (c.NodeTaintsPolicy != "Honor" || Taints(pod, node));

    bool Spread(Pod pod, Node node)
    {
        var hard = pod.Spec.TopologySpreadConstraints.Where(c => c.WhenUnsatisfiable == "DoNotSchedule").ToList();
        return hard.All(c =>
        {
            if (Domain(node, c.TopologyKey) is not { } domain) return false;
            var eligible = nodes.Where(n => hard.All(h => Domain(n, h.TopologyKey) is not null) && Counts(c, pod, n)).ToList();
            var domains = eligible.GroupBy(n => Domain(n, c.TopologyKey)!).ToDictionary(g => g.Key, g => g.Sum(n => Count(c, pod, n)));
            int fewest = domains.Count < (c.MinDomains ?? 1) ? 0 : domains.Values.Min();
            return domains.GetValueOrDefault(domain) + (c.LabelSelector.ToSelector().Matches(pod.Metadata.Labels) ? 1 : 0) - fewest <= c.MaxSkew;
        });
    }

    bool Affine(Pod pod, Node node)
    {
        bool all(Pod p) => Near(pod).All(t => Means(t, pod, p));
        bool near = Near(pod).All(t => Sharing(node, t.TopologyKey).SelectMany(On).Any(all));
        bool first = Near(pod).All(t => Domain(node, t.TopologyKey) is not null) && all(pod) && !Near(pod).Any(t => nodes.Where(n => Domain(n, t.TopologyKey) is not null).SelectMany(On).Any(all));
        return (near || first) && !Away(pod).Any(t => Sharing(node, t.TopologyKey).SelectMany(On).Any(p => Means(t, pod, p)))
            && !nodes.SelectMany(n => On(n).SelectMany(p => Away(p).Where(t => Means(t, p, pod) && Domain(n, t.TopologyKey) is { } d && d == Domain(node, t.TopologyKey)))).Any();
    }

    /// <summary>The weighted sum over plugins, each brought to 0 to 100 among the nodes that fit.</summary>
    public Dictionary<string, long> Scores(Pod pod)
    {
        var fits = Fits(pod).ToList();
        long[] taints = Reverse(fits.Select(n => (long)n.Spec.Taints.Count(t => t.Effect == "PreferNoSchedule" && !Tolerates(pod, t))));
        long[] spread = SpreadScores(pod, fits), affinity = AffinityScores(pod, fits);
        var total = new Dictionary<string, long>();
        for (int i = 0; i < fits.Count; i++)
        {
            // Weights of a plugin that has nothing to say are left out on both sides: they are the same for all nodes.
            total[fits[i].Metadata.Name] = 3 * taints[i] + Least(pod, fits[i]) + Balance(pod, fits[i]) + 2 * spread[i] + 2 * affinity[i];
        }
        return total;
    }

    static long[] Reverse(IEnumerable<long> raw)
    {
        long[] scores = [.. raw];
        long most = scores.DefaultIfEmpty().Max();
        return [.. scores.Select(s => most == 0 ? 0 : 100 - s * 100 / most)];
    }

    long Least(Pod pod, Node node)
    {
        var has = Has(node);
        long cpu = On(node).Append(pod).Sum(p => Asked(p, 100).Cpu), memory = On(node).Append(pod).Sum(p => Asked(p, 0, 200 << 20).Memory);
        return ((cpu > has.Cpu ? 0 : (has.Cpu - cpu) * 100 / has.Cpu) + (memory > has.Memory ? 0 : (has.Memory - memory) * 100 / has.Memory)) / 2;
    }

    long Balance(Pod pod, Node node)
    {
        if (Asked(pod) is (0, 0)) return 0;
        long Of(IEnumerable<Pod> all) => (long)((1 - Math.Abs((Math.Min(1, (double)all.Sum(p => Asked(p).Cpu) / Has(node).Cpu) - Math.Min(1, (double)all.Sum(p => Asked(p).Memory) / Has(node).Memory)) / 2)) * 100);
        return 50 + (50 + Of(On(node).Append(pod)) - Of(On(node))) / 2;
    }

    long[] SpreadScores(Pod pod, List<Node> fits)
    {
        var soft = pod.Spec.TopologySpreadConstraints.Where(c => c.WhenUnsatisfiable == "ScheduleAnyway").ToList();
        if (soft.Count == 0) return new long[fits.Count];
        bool Placed(Node n) => soft.All(c => Domain(n, c.TopologyKey) is not null);
        var placed = fits.Where(Placed).ToList();
        long Raw(Node node) => (long)Math.Round(soft.Sum(c =>
        {
            bool host = c.TopologyKey == "kubernetes.io/hostname";
            int size = host ? placed.Count : placed.Select(n => Domain(n, c.TopologyKey)).Distinct().Count();
            int count = host ? Count(c, pod, node) : nodes.Where(n => Placed(n) && Counts(c, pod, n) && Domain(n, c.TopologyKey) == Domain(node, c.TopologyKey)).Sum(n => Count(c, pod, n));
            return count * Math.Log(size + 2) + (c.MaxSkew - 1);
        }), MidpointRounding.AwayFromZero);
        long[] raw = [.. placed.Select(Raw)];
        long most = raw.DefaultIfEmpty().Max(), least = raw.DefaultIfEmpty().Min();
        return [.. fits.Select(n => !Placed(n) ? 0 : most == 0 ? 100 : 100 * (most + least - Raw(n)) / most)];
    }

    long[] AffinityScores(Pod pod, List<Node> fits)
    {
        long Raw(Node node) => nodes.SelectMany(n => On(n).Select(p => (Node: n, Pod: p))).Sum(there =>
        {
            long Same(string key, long weight) => Domain(node, key) is { } d && d == Domain(there.Node, key) ? weight : 0;
            return PreferNear(pod).Where(t => Means(t.PodAffinityTerm, pod, there.Pod)).Sum(t => Same(t.PodAffinityTerm.TopologyKey, t.Weight))
                - PreferAway(pod).Where(t => Means(t.PodAffinityTerm, pod, there.Pod)).Sum(t => Same(t.PodAffinityTerm.TopologyKey, t.Weight))
                + Near(there.Pod).Where(t => Means(t, there.Pod, pod)).Sum(t => Same(t.TopologyKey, 1))
                + PreferNear(there.Pod).Where(t => Means(t.PodAffinityTerm, there.Pod, pod)).Sum(t => Same(t.PodAffinityTerm.TopologyKey, t.Weight))
                - PreferAway(there.Pod).Where(t => Means(t.PodAffinityTerm, there.Pod, pod)).Sum(t => Same(t.PodAffinityTerm.TopologyKey, t.Weight));
        });
        long[] raw = [.. fits.Select(Raw)];
        long most = raw.DefaultIfEmpty().Max(), least = raw.DefaultIfEmpty().Min();
        return [.. raw.Select(r => most == least ? 0 : (long)(100 * ((double)(r - least) / (most - least))))];
    }
}
