namespace Hanbae.Testing;

/// <summary>A clock that goes on as any does, and can be put forward: what is due by then happens at once.</summary>
public sealed class TestTime : TimeProvider
{
    readonly Lock _gate = new();
    readonly HashSet<Timer> _timers = [];
    TimeSpan _ahead;

    /// <summary>How far it is ahead of the real one.</summary>
    public TimeSpan Ahead { get { lock (_gate) return _ahead; } }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    /// <inheritdoc/>
    public override long GetTimestamp() => System.GetElapsedTime(0, System.GetTimestamp()).Ticks + Ahead.Ticks;
    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <exception cref="ArgumentOutOfRangeException">Back in time.</exception>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        Timer[] timers;
        lock (_gate) { _ahead += by; timers = [.. _timers]; }
        foreach (var timer in timers) timer.Hasten();
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>A real timer that is set anew when the clock is put forward.</summary>
    sealed class Timer : ITimer
    {
        static readonly TimeSpan Never = Timeout.InfiniteTimeSpan;

        readonly Lock _gate = new();
        readonly TestTime _time;
        readonly TimerCallback _callback;
        readonly object? _state;
        readonly ITimer _real;
        /// <summary>By the test's clock, in ticks of <see cref="GetTimestamp"/>; null when it is not set.</summary>
        long? _due;
        TimeSpan _period = Never;

        public Timer(TestTime time, TimerCallback callback, object? state)
        {
            (_time, _callback, _state) = (time, callback, state);
            _real = System.CreateTimer(static timer => ((Timer)timer!).Fire(), this, Never, Never);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate)
            {
                _period = period <= TimeSpan.Zero ? Never : period;
                _due = dueTime == Never ? null : _time.GetTimestamp() + Math.Max(0, dueTime.Ticks);
                if (!Arm()) return false;
                Enlist();
            }
            // The clock may have been put forward before it knew of this timer.
            Hasten();
            return true;
        }

        /// <summary>In the lock, with what is decided there: a timer that fires and is set anew at once must not be forgotten for having fired.</summary>
        void Enlist()
        {
            lock (_time._gate) { if (_due is null) _time._timers.Remove(this); else _time._timers.Add(this); }
        }

        public void Hasten() { lock (_gate) if (_due is not null) Arm(); }

        bool Arm() => _real.Change(_due is { } due ? TimeSpan.FromTicks(Math.Max(0, due - _time.GetTimestamp())) : Never, Never);

        void Fire()
        {
            lock (_gate)
            {
                if (_due is not { } due) return;
                // Real timers may be early by less than a tick of theirs, and one that was set anew meanwhile is not due.
                if (due - _time.GetTimestamp() > TimeSpan.TicksPerMillisecond) { Arm(); return; }
                _due = _period == Never ? null : Math.Max(due, _time.GetTimestamp() - _period.Ticks) + _period.Ticks;
                Arm();
                Enlist();
            }
            _callback(_state);
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _due = null;
                Enlist();
            }
            _real.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
