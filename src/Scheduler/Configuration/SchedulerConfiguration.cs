using System.Collections.Immutable;

namespace Hanbae.Scheduler.Configuration;

/// <summary>All that can be configured of a scheduler: upstream's <c>KubeSchedulerConfiguration</c>, as far as it concerns deciding.</summary>
public sealed record SchedulerConfiguration
{
    public ImmutableArray<SchedulerProfile> Profiles { get; init; } = [new()];
    /// <summary>Who else is asked, in this order.</summary>
    public ImmutableArray<ExtenderConfig> Extenders { get; init; } = [];
    /// <summary>0: fewer the more there are.</summary>
    public int PercentageOfNodesToScore { get; init; }
    public TimeSpan PodInitialBackoff { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan PodMaxBackoff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads a file of <c>kubescheduler.config.k8s.io/v1</c>.</summary>
    /// <exception cref="FormatException">What is wrong with it, and where.</exception>
    public static SchedulerConfiguration Parse(string yaml) => ConfigurationReader.Read(yaml);
}
