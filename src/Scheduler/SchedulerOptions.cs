using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler;

/// <summary>How a scheduler works.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Its profiles: Pods that name one of them are its own.</summary>
    public SchedulerConfiguration Configuration { get; init; } = new();
    /// <summary>Bindings under way at once; more wait.</summary>
    public int MaxBindings { get; init; } = 64;
    /// <summary>Told how long each decision took, a group's as one; by the loop, so it must be quick.</summary>
    public Action<TimeSpan>? Decided { get; init; }
}
