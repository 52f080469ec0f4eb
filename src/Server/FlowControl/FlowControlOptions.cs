namespace Hanbae.Server.FlowControl;

/// <summary>How much the server works on at a time, and how long what it does not get to may wait; the values are upstream's.</summary>
public sealed record FlowControlOptions
{
    /// <summary>--max-requests-inflight and --max-mutating-requests-inflight.</summary>
    public int MaxReads { get; init; } = 400;
    public int MaxWrites { get; init; } = 200;
    /// <summary>--enable-priority-and-fairness: off, the two numbers are all there is, and nobody waits.</summary>
    public bool IsFair { get; init; } = true;
    /// <summary>The longest time in a queue: a quarter of the request timeout.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(15);
    /// <summary>How often places are lent and given back.</summary>
    public TimeSpan AdjustEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Seats of all priority levels together.</summary>
    public int Seats => MaxReads + MaxWrites;
}
