namespace Hanbae.Store.Watch;

/// <summary>Hands each change to the watchers whose range it is in.</summary>
/// <remarks>
/// Watchers are sorted by where their range starts, with the furthest end so far beside each: the walk back from a key stops at the first
/// place behind which no range reaches it, so watchers of other resources cost nothing. Watches come and go rarely; the array is copied then.
/// </remarks>
sealed class Fanout(Revision current, int bound)
{
    readonly Lock _gate = new();
    Slot[] _slots = [];
    long _current = current.Value;
    Exception? _closed;

    readonly record struct Slot(Watcher Watcher, string? FurthestEnd);

    /// <summary>The newest revision that watchers were told.</summary>
    public Revision Current => new(Volatile.Read(ref _current));

    public Watcher Join(KeyRange range)
    {
        lock (_gate)
        {
            var watcher = new Watcher(range, Current, bound);
            if (_closed is not null) watcher.End(_closed);
            else _slots = Sorted([.. _slots.Select(s => s.Watcher), watcher]);
            return watcher;
        }
    }

    public void Leave(Watcher watcher)
    {
        lock (_gate) _slots = Sorted(_slots.Select(s => s.Watcher).Where(w => w != watcher));
    }

    /// <summary>Tells the next changes, in order and without a gap.</summary>
    public void Publish(ReadOnlySpan<Change> changes)
    {
        lock (_gate)
        {
            foreach (var change in changes)
            {
                Volatile.Write(ref _current, change.Revision.Value);
                Offer(change);
            }
        }
    }

    public void Progress(KeyRange range)
    {
        lock (_gate)
        {
            foreach (var slot in _slots)
                if (slot.Watcher.Range.Overlaps(range)) slot.Watcher.OfferProgress(Current);
        }
    }

    public void Close(Exception why)
    {
        lock (_gate)
        {
            _closed ??= why;
            foreach (var slot in _slots) slot.Watcher.End(_closed);
            _slots = [];
        }
    }

    void Offer(Change change)
    {
        List<Watcher>? slow = null;
        string path = change.Key.Path;
        for (int i = LastStartingAtOrBefore(path); i >= 0; i--)
        {
            var slot = _slots[i];
            if (slot.FurthestEnd is not null && Bytewise.Compare(path, slot.FurthestEnd) >= 0) break;
            if (slot.Watcher.Range.Contains(change.Key) && !slot.Watcher.Offer(change)) (slow ??= []).Add(slot.Watcher);
        }
        if (slow is not null) _slots = Sorted(_slots.Select(s => s.Watcher).Except(slow));
    }

    int LastStartingAtOrBefore(string path)
    {
        int low = 0, high = _slots.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Bytewise.Compare(_slots[middle].Watcher.Range.Start, path) <= 0) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }

    static Slot[] Sorted(IEnumerable<Watcher> watchers)
    {
        Watcher[] sorted = [.. watchers];
        Array.Sort(sorted, static (a, b) => Bytewise.Compare(a.Range.Start, b.Range.Start));
        var slots = new Slot[sorted.Length];
        for (int i = 0; i < sorted.Length; i++)
        {
            string? end = sorted[i].Range.End;
            if (i > 0 && end is not null) end = slots[i - 1].FurthestEnd is { } before ? (Bytewise.Compare(before, end) > 0 ? before : end) : null;
            slots[i] = new(sorted[i], end);
        }
        return slots;
    }
}
