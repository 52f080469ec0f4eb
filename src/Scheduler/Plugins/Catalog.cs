using System.Collections.Immutable;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Every plugin, in the order in which nodes are asked: cheap and often decisive ones first.</summary>
internal static class Catalog
{
    static readonly TaintToleration Taints = new();
    static readonly NodeAffinity Affinity = new();
    static readonly NodeResourcesFit Fit = new();

    public static ImmutableArray<(string Name, IFilter Plugin)> Filters { get; } =
    [
        ("NodeUnschedulable", new NodeUnschedulable()), // one flag
        ("NodeName", new NodeName()),                   // one comparison, and then nothing else matters
        ("TaintToleration", Taints),                    // few taints
        ("NodeAffinity", Affinity),                     // label look-ups
        ("NodePorts", new NodePorts()),                 // nothing for Pods without host ports
        ("NodeResourcesFit", Fit),                      // arithmetic; last, so that reasons name what cannot change first
    ];

    /// <summary>Weights are upstream's default profile's.</summary>
    public static ImmutableArray<(string Name, IScore Plugin, int Weight)> Scores { get; } =
    [
        ("TaintToleration", Taints, 3),
        ("NodeAffinity", Affinity, 2),
        ("NodeResourcesFit", Fit, 1),
        ("NodeResourcesBalancedAllocation", new BalancedAllocation(), 1),
        ("ImageLocality", new ImageLocality(), 1),
    ];
}
