using System.Collections.Immutable;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Configuration;

/// <summary>How much a resource counts when nodes are compared.</summary>
public readonly record struct ResourceWeight(string Name, long Weight);

/// <summary>What makes a node a better place: room, or being nearly full, or a curve of its own.</summary>
public enum ScoringType { LeastAllocated, MostAllocated, RequestedToCapacityRatio }

/// <summary>By what nodes are compared that fit.</summary>
public sealed record ScoringStrategy
{
    public ScoringType Type { get; init; } = ScoringType.LeastAllocated;
    public ImmutableArray<ResourceWeight> Resources { get; init; } = [new("cpu", 1), new("memory", 1)];
    /// <summary>Points of the curve: utilization in percent, and 0 to 10 for it.</summary>
    public ImmutableArray<(int Utilization, int Score)> Points { get; init; } = [];

    /// <summary>The curve's value, 0 to 100, between its points in a straight line.</summary>
    public long Shape(long utilization)
    {
        for (int i = 0; i < Points.Length; i++)
            if (utilization <= Points[i].Utilization)
                return i == 0 ? Points[0].Score * 10L
                    : Points[i - 1].Score * 10L + (Points[i].Score - Points[i - 1].Score) * 10L * (utilization - Points[i - 1].Utilization) / (Points[i].Utilization - Points[i - 1].Utilization);
        return Points.IsEmpty ? 0 : Points[^1].Score * 10L;
    }
}

/// <summary>Which resources have to be there, and how nodes are compared by them.</summary>
public sealed record NodeResourcesFitArgs
{
    public ImmutableArray<string> IgnoredResources { get; init; } = [];
    public ImmutableArray<string> IgnoredResourceGroups { get; init; } = [];
    public ScoringStrategy Strategy { get; init; } = new();

    /// <summary>Only extended resources can be ignored: an extender minds them.</summary>
    public bool Ignores(string resource) =>
        IgnoredResources.Contains(resource) || (resource.IndexOf('/') is > 0 and var slash && IgnoredResourceGroups.Contains(resource[..slash]));
}

/// <summary>Constraints for Pods that have none of their own.</summary>
public sealed record PodTopologySpreadArgs
{
    /// <summary>Upstream's own: soft, over nodes and zones.</summary>
    static readonly ImmutableArray<TopologySpreadConstraint> System =
    [
        new() { TopologyKey = "kubernetes.io/hostname", MaxSkew = 3, WhenUnsatisfiable = "ScheduleAnyway" },
        new() { TopologyKey = "topology.kubernetes.io/zone", MaxSkew = 5, WhenUnsatisfiable = "ScheduleAnyway" },
    ];

    public bool IsSystem { get; init; } = true;
    public ImmutableArray<TopologySpreadConstraint> DefaultConstraints { get; init; } = [];
    internal ImmutableArray<TopologySpreadConstraint> Defaults => IsSystem ? System : DefaultConstraints;
}

/// <summary>How much the demands of Pods that have a node weigh for those that come.</summary>
public sealed record InterPodAffinityArgs
{
    public int HardPodAffinityWeight { get; init; } = 1;
    public bool IgnorePreferredTermsOfExistingPods { get; init; }
}

/// <summary>How many nodes are looked at for preemption, once there are many.</summary>
public sealed record DefaultPreemptionArgs
{
    public int MinCandidateNodesPercentage { get; init; } = 10;
    public int MinCandidateNodesAbsolute { get; init; } = 100;
}

/// <summary>How long a Pod waits for its devices to be attached.</summary>
public sealed record DynamicResourcesArgs
{
    public TimeSpan BindingTimeout { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>How long a Pod waits for its volumes.</summary>
public sealed record VolumeBindingArgs
{
    public TimeSpan BindTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
