using Hanbae.Api;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Pods that wait for a node: ready to be tried, backing off after a failure, or set aside until something changes that could help them.</summary>
/// <remarks>Guarded by the scheduler's lock. Bounded by the number of pending Pods.</remarks>
internal sealed class Queue(TimeProvider time)
{
    static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1), LongestBackoff = TimeSpan.FromSeconds(10);
    /// <summary>However hopeless, a Pod is tried again after this long (upstream: five minutes).</summary>
    static readonly TimeSpan LongestAside = TimeSpan.FromMinutes(5);

    sealed class Waiting(PodInfo pod, long order)
    {
        public PodInfo Pod = pod;
        public readonly long Order = order;
        public int Attempts;
        public Change CurableBy;
        /// <summary>Changes that happened while the Pod was being tried.</summary>
        public Change Meanwhile;
        public DateTimeOffset Since;
        public Place Place;
    }

    enum Place { Active, Backoff, Aside, InFlight }

    readonly Dictionary<Key, Waiting> _all = [];
    readonly SortedSet<Waiting> _active = new(Comparer<Waiting>.Create((a, b) =>
        a.Pod.Priority != b.Pod.Priority ? b.Pod.Priority.CompareTo(a.Pod.Priority) : a.Order.CompareTo(b.Order)));
    readonly PriorityQueue<(Waiting Pod, int Attempts), DateTimeOffset> _backoff = new();
    long _order;

    public int Count => _all.Count;

    /// <summary>Adds a Pod, or takes its newer version; one set aside is tried again, since its own change may have helped.</summary>
    public void Put(PodInfo pod)
    {
        if (!_all.TryGetValue(pod.Key, out var waiting) || waiting.Pod.Uid != pod.Uid)
        {
            Remove(pod.Key);
            _all[pod.Key] = waiting = new(pod, _order++);
            Activate(waiting);
            return;
        }
        // What the scheduler itself writes (status) is no reason to try again.
        bool same = waiting.Pod.Pod.Spec == pod.Pod.Spec && waiting.Pod.Pod.Metadata.Labels == pod.Pod.Metadata.Labels;
        if (waiting.Place == Place.Active)
        {
            _active.Remove(waiting);
            waiting.Pod = pod;
            _active.Add(waiting);
            return;
        }
        waiting.Pod = pod;
        if (same) return;
        if (waiting.Place == Place.Aside) Wake(waiting);
        else if (waiting.Place == Place.InFlight) waiting.Meanwhile = Change.Any;
    }

    /// <param name="uid">Only the Pod of this uid, not another of its name; null for whichever there is.</param>
    public void Remove(Key key, string? uid = null)
    {
        if (!_all.TryGetValue(key, out var waiting) || uid is not null && waiting.Pod.Uid != uid) return;
        _all.Remove(key);
        if (waiting.Place == Place.Active) _active.Remove(waiting);
        waiting.Place = Place.InFlight;
    }

    /// <summary>The next Pod to try: highest priority, then longest in the queue; null when none is ready.</summary>
    public PodInfo? Next()
    {
        Thaw();
        if (_active.Min is not { } next) return null;
        _active.Remove(next);
        next.Place = Place.InFlight;
        next.Meanwhile = Change.None;
        next.Attempts++;
        return next.Pod;
    }

    /// <summary>The Pod could not be placed: it waits for a cure, or backs off when one came while it was tried.</summary>
    public void Failed(PodInfo pod, Change curableBy)
    {
        if (!_all.TryGetValue(pod.Key, out var waiting) || waiting.Place != Place.InFlight || waiting.Pod.Uid != pod.Uid) return;
        waiting.CurableBy = curableBy;
        waiting.Since = time.GetUtcNow();
        waiting.Place = Place.Aside;
        if ((waiting.Meanwhile & curableBy) != 0) Wake(waiting);
    }

    /// <summary>Something changed: wakes the Pods that it may help.</summary>
    public void On(Change change)
    {
        foreach (var waiting in _all.Values)
            if (waiting.Place == Place.Aside && (waiting.CurableBy & change) != 0) Wake(waiting);
            else if (waiting.Place == Place.InFlight) waiting.Meanwhile |= change;
    }

    /// <summary>When to look again though nothing changes; null when nothing waits for time.</summary>
    public TimeSpan? Delay()
    {
        Thaw();
        if (_active.Count > 0) return TimeSpan.Zero;
        var now = time.GetUtcNow();
        DateTimeOffset? due = _backoff.TryPeek(out _, out var at) ? at : null;
        foreach (var waiting in _all.Values)
            if (waiting.Place == Place.Aside && (due is null || waiting.Since + LongestAside < due)) due = waiting.Since + LongestAside;
        return due is null ? null : due.Value <= now ? TimeSpan.Zero : due.Value - now;
    }

    /// <summary>Tries again everything that was set aside too long ago.</summary>
    public void Flush()
    {
        var now = time.GetUtcNow();
        foreach (var waiting in _all.Values)
            if (waiting.Place == Place.Aside && now - waiting.Since >= LongestAside) Wake(waiting);
    }

    void Wake(Waiting waiting)
    {
        var pause = TimeSpan.FromTicks(Math.Min(LongestBackoff.Ticks, FirstBackoff.Ticks << Math.Min(waiting.Attempts - 1, 20)));
        var due = waiting.Since + pause;
        if (due <= time.GetUtcNow()) { Activate(waiting); return; }
        waiting.Place = Place.Backoff;
        _backoff.Enqueue((waiting, waiting.Attempts), due);
    }

    void Thaw()
    {
        var now = time.GetUtcNow();
        while (_backoff.TryPeek(out var first, out var due) && due <= now)
        {
            _backoff.Dequeue();
            // Entries of Pods that have moved on since are stale.
            if (first.Pod.Place == Place.Backoff && first.Pod.Attempts == first.Attempts) Activate(first.Pod);
        }
    }

    void Activate(Waiting waiting)
    {
        waiting.Place = Place.Active;
        _active.Add(waiting);
    }
}
