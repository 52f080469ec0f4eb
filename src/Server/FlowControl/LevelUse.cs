namespace Hanbae.Server.FlowControl;

/// <summary>How much of what a level may have it has used over time. Its queue set's lock is held by whoever writes.</summary>
sealed class LevelUse
{
    public readonly TimedRatio Seats = new(TimedRatio.Seats), Executing = new(TimedRatio.Requests), Waiting = new(TimedRatio.Requests), Demand = new(TimedRatio.Demand);
}
