namespace Hanbae.Store.History;

/// <summary>History that ends with the process: for test clusters, and for control planes that must not write.</summary>
public sealed class MemoryHistory(HistoryLimits limits, TimeProvider time) : IHistory
{
    readonly Lock _gate = new();
    readonly Queue<Deed> _all = [];
    readonly Dictionary<Key, List<Deed>> _byKey = [];
    long _bytes;

    public void Note(Deed deed)
    {
        // What the version is part of is not to live as long as this.
        if (deed.Before is not null and not StoredVersion) deed = deed with { Before = new StoredVersion(deed.Before.Stored()) };
        lock (_gate)
        {
            if (!_byKey.TryGetValue(deed.Key, out var own)) _byKey[deed.Key] = own = [];
            own.Add(deed);
            _all.Enqueue(deed);
            _bytes += Size(deed);
            if (own.Count > limits.KeepEach)
                foreach (int i in Surplus.Of([.. own.Select(Surplus.Of)], limits.KeepEach)) own.RemoveAt(i);
            while (_all.TryPeek(out var oldest) && (_bytes > limits.KeepBytes || _all.Count > Most || time.GetUtcNow() - oldest.Time > limits.KeepFor))
            {
                _all.Dequeue();
                _bytes -= Size(oldest);
                // It may have gone before, as one too many of its object.
                if (!_byKey.TryGetValue(oldest.Key, out var mine) || !ReferenceEquals(mine[0], oldest)) continue;
                mine.RemoveAt(0);
                if (mine.Count == 0) _byKey.Remove(oldest.Key);
            }
        }
    }

    /// <summary>Creations replace nothing, and those too many of one object wait for their turn to go: these have a bound of their own.</summary>
    long Most => Math.Max(limits.KeepEach, limits.KeepBytes / 256);

    static int Size(Deed deed) => deed.Before?.Stored().Length ?? 0;

    public ValueTask<IReadOnlyList<Deed>> OfAsync(Key key, CancellationToken ct)
    {
        lock (_gate) return new(_byKey.TryGetValue(key, out var own) ? own.ToArray() : []);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
