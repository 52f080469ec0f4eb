namespace Hanbae.Server.Cache;

/// <summary>Writes that were answered and that the feed has not brought to the cache yet: a read of one object finds its newest version here, and waits for nobody else's.</summary>
/// <remarks>
/// Bound: 4,096 objects. A write beyond them, or before the cache is filled, only raises <see cref="Floor"/>, which is the revision that a read
/// has to wait for as all did before.
/// </remarks>
sealed class WritesAhead
{
    const int Most = 4096;

    readonly Lock _gate = new();
    readonly Dictionary<string, Found> _byKey = [];
    /// <summary>What the cache has; −1 until it is filled.</summary>
    long _reached = -1;
    long _floor;

    /// <param name="Item">Null when the write was a delete.</param>
    public readonly record struct Found(long Revision, Item? Item);

    /// <summary>Every write that is not kept here has at most this revision.</summary>
    public long Floor => Volatile.Read(ref _floor);

    /// <summary>Before the write is answered.</summary>
    public void Add(string key, long revision, Item? item)
    {
        lock (_gate)
        {
            if (revision <= _reached) return;
            bool known = _byKey.TryGetValue(key, out var there);
            if (_reached < 0 || !known && _byKey.Count == Most) Volatile.Write(ref _floor, Math.Max(_floor, revision));
            else if (there.Revision < revision) _byKey[key] = new(revision, item);
        }
    }

    public Found? Find(string key)
    {
        lock (_gate) return _byKey.TryGetValue(key, out var found) ? found : null;
    }

    /// <summary>The cache has that change of the key, and shows it.</summary>
    public void Reached(string key, long revision)
    {
        lock (_gate)
        {
            _reached = revision;
            if (_byKey.TryGetValue(key, out var there) && there.Revision <= revision) _byKey.Remove(key);
        }
    }

    /// <summary>The cache was read anew and shows all up to that revision.</summary>
    public void Refilled(long revision)
    {
        lock (_gate)
        {
            _reached = revision;
            foreach (var (key, found) in _byKey)
                if (found.Revision <= revision) _byKey.Remove(key);
        }
    }
}
