namespace Hanbae.Kit;

/// <summary>A clock that stands still until a test moves it; timers fire on the mover's thread, in the order in which they are due.</summary>
public sealed class FakeTime(DateTimeOffset? start = null) : TimeProvider
{
    readonly Lock _lock = new();
    readonly List<FakeTimer> _timers = [];
    readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    readonly DateTimeOffset _start = start ?? new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    TimeSpan _now;
    long _order;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override long GetTimestamp() { lock (_lock) return _now.Ticks; }
    public override DateTimeOffset GetUtcNow() { lock (_lock) return _start + _now; }
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Timers that are set.</summary>
    public int Set { get { lock (_lock) return _timers.Count; } }

    /// <summary>Time until the next timer is due; null when none is set.</summary>
    public TimeSpan? NextDue { get { lock (_lock) return _timers.Count == 0 ? null : _timers.Min(t => t.Due) - _now; } }

    /// <summary>Completes when at least <paramref name="count"/> timers are set: the code under test has come to wait.</summary>
    public Task WhenSetAsync(int count = 1)
    {
        lock (_lock)
        {
            if (_timers.Count >= count) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, reached));
            return reached.Task.WaitAsync(TimeSpan.FromSeconds(30), System);
        }
    }

    public void Advance(TimeSpan by)
    {
        TimeSpan target;
        lock (_lock) target = _now + by;
        while (true)
        {
            FakeTimer? next;
            lock (_lock)
            {
                next = _timers.Where(t => t.Due <= target).OrderBy(t => t.Due).ThenBy(t => t.Order).FirstOrDefault();
                if (next is null) { _now = target; return; }
                if (next.Due > _now) _now = next.Due;
                _timers.Remove(next);
                if (next.Period > TimeSpan.Zero) { next.Due += next.Period; next.Order = _order++; _timers.Add(next); }
            }
            next.Fire();
        }
    }

    /// <summary>Moves to the next timer and fires it.</summary>
    /// <returns>How far that was.</returns>
    public TimeSpan AdvanceToNext()
    {
        var by = NextDue ?? throw new InvalidOperationException("no timer is set");
        if (by < TimeSpan.Zero) by = TimeSpan.Zero;
        Advance(by);
        return by;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    sealed class FakeTimer(FakeTime clock, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan Due { get; set; }
        public TimeSpan Period { get; private set; }
        public long Order { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                clock._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                (Due, Period, Order) = (clock._now + dueTime, period, clock._order++);
                clock._timers.Add(this);
                clock._waiters.RemoveAll(w => w.Count <= clock._timers.Count && w.Reached.TrySetResult());
            }
            return true;
        }

        public void Dispose()
        {
            lock (clock._lock) clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
