namespace Hanbae.Server.Cache;

/// <summary>The recent past of a resource, for watches that resume.</summary>
/// <remarks>
/// Bound: 8,192 events, and fewer (but at least 100, upstream's least) while what they alone keep alive is more than 8 MiB. That is each
/// event's superseded version: the version that came after it is the next event's, or the cache's own.
/// </remarks>
sealed class EventRing
{
    const int Most = 8192, Least = 100;
    const long MostBytes = 8 << 20;

    CacheEvent[] _ring = new CacheEvent[16];
    long _first, _next, _bytes;

    /// <summary>A watch may begin after this revision or any later one.</summary>
    public long Since { get; private set; }

    public void Reset(long since)
    {
        Array.Clear(_ring);
        (_first, _next, _bytes, Since) = (0, 0, 0, since);
    }

    public void Add(CacheEvent e)
    {
        if (_next - _first == _ring.Length)
        {
            if (_ring.Length < Most) Grow();
            else Drop();
        }
        this[_next++] = e;
        _bytes += Weight(e);
        while (_bytes > MostBytes && _next - _first > Least) Drop();
    }

    void Drop()
    {
        ref var oldest = ref this[_first++];
        Since = oldest.Revision;
        _bytes -= Weight(oldest);
        oldest = null!;
    }

    static long Weight(CacheEvent e) => (e.Previous?.JsonWithoutFields.Length ?? 0) + (e.Type == EventType.Deleted ? e.Item.JsonWithoutFields.Length : 0);

    /// <summary>The events after a revision, in order.</summary>
    public IEnumerable<CacheEvent> After(long revision)
    {
        long low = _first, high = _next;
        while (low < high)
        {
            long middle = (low + high) >>> 1;
            if (this[middle].Revision <= revision) low = middle + 1;
            else high = middle;
        }
        for (; low < _next; low++) yield return this[low];
    }

    void Grow()
    {
        var ring = new CacheEvent[_ring.Length * 2];
        for (long i = _first; i < _next; i++) ring[i % ring.Length] = this[i];
        _ring = ring;
    }

    ref CacheEvent this[long index] => ref _ring[index % _ring.Length];
}
