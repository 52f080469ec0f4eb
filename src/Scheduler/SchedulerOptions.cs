namespace Hanbae.Scheduler;

/// <summary>How a scheduler works.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Pods that name this scheduler are its own.</summary>
    public string Name { get; init; } = "default-scheduler";
    /// <summary>Bindings under way at once; more wait.</summary>
    public int MaxBindings { get; init; } = 64;
}
