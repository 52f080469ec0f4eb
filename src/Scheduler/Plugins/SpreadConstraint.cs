using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Tallies;

namespace Hanbae.Scheduler.Plugins;

/// <summary>One constraint of spreading as it stands for one Pod, with its counts at hand.</summary>
internal sealed class SpreadConstraint
{
    public required Topology Topology { get; init; }
    public required MatchTally Pods { get; init; }
    public required int MaxSkew { get; init; }
    public required int MinDomains { get; init; }
    /// <summary>Counts only nodes that the Pod's own affinity leaves it.</summary>
    public required bool HonorsAffinity { get; init; }
    /// <summary>Counts only nodes whose taints the Pod tolerates.</summary>
    public required bool HonorsTaints { get; init; }
    /// <summary>Whether the Pod would count itself.</summary>
    public required bool CountsItself { get; init; }

    public bool Counts(PodInfo pod, NodeInfo node) =>
        (!HonorsAffinity || pod.Wanted.Matches(node.Node!)) && (!HonorsTaints || !node.HasHardTaints || !TaintToleration.Repels(pod, node.Node!.Spec.Taints));

    public static SpreadConstraint Of(TopologySpreadConstraint c, PodInfo pod, Snapshot snapshot, Selector? selector = null)
    {
        var chosen = selector ?? PodScope.SelectorOf(c.LabelSelector);
        if (selector is null)
            foreach (string key in c.MatchLabelKeys)
                if (pod.Labels.TryGet(key, out string? value)) chosen = chosen.And(Selector.Of(new LabelRequirement(key, LabelOperator.In, value)));
        return new()
        {
            Topology = snapshot.Tallies.TopologyOf(c.TopologyKey),
            Pods = snapshot.Tallies.Matching([PodScope.Within(pod.Key.Namespace, chosen)], c.TopologyKey, living: true),
            MaxSkew = c.MaxSkew,
            MinDomains = c.MinDomains ?? 1,
            HonorsAffinity = c.NodeAffinityPolicy is null or "Honor",
            HonorsTaints = c.NodeTaintsPolicy == "Honor",
            CountsItself = chosen.Matches(pod.Labels),
        };
    }

    /// <summary>Whether every node counts for every one of the constraints, so that what is tallied is the answer.</summary>
    public static bool AllCount(ImmutableArray<SpreadConstraint> constraints, PodInfo pod)
    {
        foreach (var c in constraints)
            if (c.Topology.Outside > 0 || (c.HonorsAffinity && !pod.Wanted.IsEmpty) || c.HonorsTaints) return false;
        return true;
    }

    public static bool HasAll(ImmutableArray<SpreadConstraint> constraints, NodeInfo node)
    {
        foreach (var c in constraints) if (c.Topology[node] < 0) return false;
        return true;
    }
}
