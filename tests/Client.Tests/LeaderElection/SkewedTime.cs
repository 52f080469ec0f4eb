namespace Hanbae.Client.Tests.LeaderElection;

/// <summary>A machine's own clock: it runs faster or slower than time does, and its hands may be set.</summary>
sealed class SkewedTime(TimeProvider real, double rate) : TimeProvider
{
    int _pending;

    /// <summary>Put to what the clock on the wall says, at any moment; durations are measured otherwise.</summary>
    public TimeSpan Off { get; set; }
    /// <summary>Timers that are set: what its user waits for.</summary>
    public int Pending => Volatile.Read(ref _pending);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override long GetTimestamp() => (long)(real.GetTimestamp() * rate);
    public override DateTimeOffset GetUtcNow() => real.GetUtcNow() + Off;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    sealed class Timer : ITimer
    {
        readonly SkewedTime _clock;
        readonly TimerCallback _callback;
        readonly object? _state;
        readonly ITimer _inner;
        int _set;

        public Timer(SkewedTime clock, TimerCallback callback, object? state)
        {
            (_clock, _callback, _state) = (clock, callback, state);
            _inner = clock.Real.CreateTimer(static t => ((Timer)t!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        void Fire()
        {
            if (Interlocked.Exchange(ref _set, 0) == 1) Interlocked.Decrement(ref _clock._pending);
            _callback(_state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            int now = dueTime == Timeout.InfiniteTimeSpan ? 0 : 1, was = Interlocked.Exchange(ref _set, now);
            if (now != was) Interlocked.Add(ref _clock._pending, now - was);
            return _inner.Change(now == 0 ? dueTime : dueTime / _clock.Rate, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    TimeProvider Real => real;
    double Rate => rate;
}
