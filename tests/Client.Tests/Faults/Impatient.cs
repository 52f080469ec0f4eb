namespace Hanbae.Client.Tests.Faults;

/// <summary>A clock for which every pause is over at once: what only waits to try again need not be waited for.</summary>
sealed class Impatient : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
}
