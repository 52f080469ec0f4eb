using System.Collections.Immutable;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Configuration;

/// <summary>One way of scheduling, for the Pods that name it.</summary>
public sealed record SchedulerProfile
{
    public string Name { get; init; } = "default-scheduler";
    /// <summary>Null: the scheduler's.</summary>
    public int? PercentageOfNodesToScore { get; init; }
    /// <summary>Plugins that are off, by extension point (<c>multiPoint</c> for all of them); <c>*</c> for all plugins.</summary>
    public ImmutableDictionary<string, ImmutableArray<string>> Disabled { get; init; } = ImmutableDictionary<string, ImmutableArray<string>>.Empty;
    /// <summary>Plugins that are on, in this order, with their weights (0: the default's), by extension point.</summary>
    public ImmutableDictionary<string, ImmutableArray<(string Name, int Weight)>> Enabled { get; init; } = ImmutableDictionary<string, ImmutableArray<(string, int)>>.Empty;

    public NodeResourcesFitArgs Fit { get; init; } = new();
    public ImmutableArray<ResourceWeight> Balanced { get; init; } = [new("cpu", 1), new("memory", 1)];
    public PodTopologySpreadArgs Spread { get; init; } = new();
    public InterPodAffinityArgs Affinity { get; init; } = new();
    public DefaultPreemptionArgs Preemption { get; init; } = new();
    public DynamicResourcesArgs Devices { get; init; } = new();
    public VolumeBindingArgs Volumes { get; init; } = new();
    public NodeAffinity? AddedAffinity { get; init; }
}
