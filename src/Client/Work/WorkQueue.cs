using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Hanbae.Client;

/// <summary>Holds keys that want work: each at most once, in order, never with two workers at a time, now or later.</summary>
/// <remarks>
/// As client-go's rate-limiting delaying queue. A key added while it is worked on waits until that is done. Bound: one entry for each
/// distinct key that is waiting, worked on or delayed.
/// </remarks>
public sealed class WorkQueue<T> : IDisposable where T : notnull
{
    /// <summary>Longer waits are cut into these: timers do not take any length.</summary>
    static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    readonly TimeProvider _time;
    readonly WorkQueueMetrics _metrics;
    readonly RetryDelays<T> _retries;
    readonly Lock _lock = new();
    /// <summary>Wants work, and when it was added.</summary>
    readonly Dictionary<T, long> _dirty = [];
    /// <summary>Is worked on, and since when.</summary>
    readonly Dictionary<T, long> _processing = [];
    // Unbounded by type, bounded by use: a key is in it only while it is in _dirty and not in _processing.
    readonly Channel<T> _ready = Channel.CreateUnbounded<T>();
    readonly PriorityQueue<T, long> _delayed = new();
    readonly Dictionary<T, long> _due = [];
    readonly ITimer _timer;
    bool _closed;

    /// <summary>An empty queue, that may be used at once.</summary>
    public WorkQueue(string name, TimeProvider time, RetryOptions? retries = null)
    {
        _time = time;
        _metrics = new(name, time);
        _retries = new(time, retries ?? RetryOptions.Default);
        _timer = time.CreateTimer(static queue => ((WorkQueue<T>)queue!).AddDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Keys that wait for a worker.</summary>
    public int Depth { get { lock (_lock) return _dirty.Count; } }
    /// <summary>Keys that wait for their time.</summary>
    public int Delayed { get { lock (_lock) return _due.Count; } }

    /// <summary>Items of which anything is known: that wait, are worked on, wait for their time, or have failed.</summary>
    internal int Remembered { get { lock (_lock) return _dirty.Count + _processing.Count + _due.Count + _retries.Count; } }

    /// <summary>Wants work on the item now; once, however often it is said before the work begins.</summary>
    public void Add(T item)
    {
        lock (_lock) AddLocked(item);
    }

    void AddLocked(T item)
    {
        if (_closed || !_dirty.TryAdd(item, _time.GetTimestamp())) return;
        _metrics.Added();
        if (!_processing.ContainsKey(item)) _ready.Writer.TryWrite(item);
    }

    /// <summary>Adds later; of several times for one item the earliest counts.</summary>
    public void AddAfter(T item, TimeSpan delay)
    {
        lock (_lock)
        {
            if (_closed) return;
            if (delay <= TimeSpan.Zero) { AddLocked(item); return; }
            long due = _time.GetTimestamp() + (long)Math.Min(delay.TotalSeconds * _time.TimestampFrequency, long.MaxValue / 2);
            if (_due.TryGetValue(item, out long known) && known <= due) return;
            _due[item] = due;
            _delayed.Enqueue(item, due);
            if (_delayed.Peek().Equals(item)) SetTimer();
        }
    }

    /// <summary>Adds later: the later, the more often the item was added so without <see cref="Forget"/>.</summary>
    public void AddRateLimited(T item)
    {
        TimeSpan delay;
        lock (_lock) delay = _retries.Next(item);
        _metrics.Retried();
        AddAfter(item, delay);
    }

    /// <summary>How often the item was added by <see cref="AddRateLimited"/> since it was last forgotten.</summary>
    public int Retries(T item) { lock (_lock) return _retries.Failures(item); }

    /// <summary>The item did well: its next failure is the first.</summary>
    public void Forget(T item) { lock (_lock) _retries.Forget(item); }

    /// <summary>Waits for an item.</summary>
    /// <returns>False when the queue is shut and empty.</returns>
    public ValueTask<bool> WaitAsync(CancellationToken ct) => _ready.Reader.WaitToReadAsync(ct);

    /// <summary>Takes the next item; it must be given to <see cref="Done"/>.</summary>
    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        if (!_ready.Reader.TryRead(out item)) return false;
        lock (_lock)
        {
            _dirty.Remove(item, out long added);
            _processing[item] = _time.GetTimestamp();
            _metrics.Started(added);
        }
        return true;
    }

    /// <summary>Work on the item has ended; if it was added meanwhile it is next in line.</summary>
    public void Done(T item)
    {
        lock (_lock)
        {
            if (!_processing.Remove(item, out long started)) return;
            _metrics.Done(started);
            if (_dirty.ContainsKey(item)) _ready.Writer.TryWrite(item);
            if (_closed && _processing.Count == 0) _ready.Writer.TryComplete();
        }
    }

    /// <summary>Takes no more items; those that are in may be worked off.</summary>
    public void Shut()
    {
        lock (_lock)
        {
            _closed = true;
            _delayed.Clear();
            _due.Clear();
            if (_processing.Count == 0) _ready.Writer.TryComplete();
        }
    }

    /// <summary>Takes no more items, and forgets those that wait for their time.</summary>
    public void Dispose()
    {
        Shut();
        _timer.Dispose();
    }

    void AddDue()
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            while (_delayed.TryPeek(out var item, out long due) && due <= now)
            {
                _delayed.Dequeue();
                // An entry that was moved to an earlier time is still in the heap at its old one.
                if (!_due.TryGetValue(item, out long current) || current != due) continue;
                _due.Remove(item);
                AddLocked(item);
            }
            SetTimer();
        }
    }

    void SetTimer()
    {
        if (!_delayed.TryPeek(out _, out long due)) return;
        var wait = _time.GetElapsedTime(_time.GetTimestamp(), due);
        // Rounded up: a timer that fires a fraction of a millisecond early would spin.
        if (wait < LongestTimer) wait = TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(wait.TotalMilliseconds)));
        else wait = LongestTimer;
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
