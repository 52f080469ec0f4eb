namespace Hanbae.Server.Cache;

/// <summary>Watchers that hear of the same changes. When they are many and the changes come fast, they are woken in rounds: what came in between is sent at once.</summary>
/// <remarks>
/// To wake a watcher, frame an event and hand it to the socket costs several times what the event costs. A change after a quiet moment is told at once;
/// one that follows another so closely waits for the rest of <see cref="Round"/>. Nobody else waits for anything.
/// </remarks>
sealed class Crowd(TimeProvider clock)
{
    /// <summary>So few are always woken at once.</summary>
    public const int Few = 16;
    public static readonly TimeSpan Round = TimeSpan.FromMilliseconds(5);

    readonly List<Watcher> _watchers = [];
    readonly Lock _lock = new();
    List<Watcher> _late = [];
    ITimer? _timer;
    long? _woken;
    bool _isSet;

    /// <summary>Changed and read, like what is offered, in the cache's lock.</summary>
    public IReadOnlyList<Watcher> Watchers => _watchers;
    public int Count => _watchers.Count;

    public void Add(Watcher watcher) => _watchers.Add(watcher);

    public bool Remove(Watcher watcher) => _watchers.Remove(watcher);

    public void Offer(CacheEvent e)
    {
        bool now = Count <= Few;
        if (!now)
            lock (_lock)
            {
                now = !IsGathering;
                if (now) _woken = clock.GetTimestamp();
            }
        foreach (var watcher in _watchers) watcher.Offer(e, now);
    }

    /// <summary>In the lock.</summary>
    bool IsGathering => _isSet || _woken is { } woken && clock.GetElapsedTime(woken) < Round;

    /// <summary>Keeps a watcher to be woken with the others of this round.</summary>
    /// <returns>False when there is none now.</returns>
    public bool Keep(Watcher watcher)
    {
        if (Count <= Few) return false;
        lock (_lock)
        {
            if (!IsGathering) return false;
            _late.Add(watcher);
            if (_isSet) return true;
            _isSet = true;
            var left = Round - clock.GetElapsedTime(_woken ?? clock.GetTimestamp());
            if (left < TimeSpan.Zero) left = TimeSpan.Zero;
            if (_timer is null) _timer = clock.CreateTimer(static crowd => ((Crowd)crowd!).WakeAll(), this, left, Timeout.InfiniteTimeSpan);
            else _timer.Change(left, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    void WakeAll()
    {
        List<Watcher> late;
        lock (_lock)
        {
            (late, _late) = (_late, new(_late.Count));
            _isSet = false;
            _woken = clock.GetTimestamp();
        }
        foreach (var watcher in late) watcher.WakeNow();
    }
}
