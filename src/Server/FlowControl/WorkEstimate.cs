namespace Hanbae.Server.FlowControl;

/// <summary>What a request is expected to cost: seats while it runs, and seats that stay taken a while for what it sets off (KEP-1040).</summary>
/// <param name="FinalSeats">Taken for <paramref name="Lingers"/> after the answer: the events that watchers are sent.</param>
readonly record struct WorkEstimate(int InitialSeats, int FinalSeats = 0, TimeSpan Lingers = default)
{
    public static WorkEstimate One { get; } = new(1);

    /// <summary>Who is going to hear of a write; null for what is none.</summary>
    public int? Watchers { get; init; }

    public int MaxSeats => Math.Max(InitialSeats, FinalSeats);

    /// <summary>In seats times seconds, if it runs for so long.</summary>
    public double Work(double seconds) => InitialSeats * seconds + FinalSeats * Lingers.TotalSeconds;

    /// <summary>The same work on no more than so many seats.</summary>
    public WorkEstimate Within(int seats)
    {
        if (FinalSeats <= seats) return this;
        return this with { FinalSeats = seats, Lingers = Lingers * FinalSeats / seats };
    }
}
