using Hanbae.Testing;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>A clock whose hands can be set, forward and back, while timers run on: as when a machine learns the time.</summary>
sealed class JumpingTime(TestTime inner) : TimeProvider
{
    long _offset;

    public void Jump(TimeSpan by) => Interlocked.Add(ref _offset, by.Ticks);

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow().AddTicks(Interlocked.Read(ref _offset));
    public override long TimestampFrequency => inner.TimestampFrequency;
    public override long GetTimestamp() => inner.GetTimestamp();
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
}
