namespace Hanbae.Server.Cache;

/// <summary>Items in key order that nobody can change: every version is a snapshot, so that pages and watches agree without locks.</summary>
/// <remarks>An array of short arrays: a change copies one short array and the outer one, about 3 KB with 10,000 items.</remarks>
public sealed class Sorted
{
    const int Largest = 128;
    public static Sorted Empty { get; } = new([], 0);

    readonly Item[][] _chunks;

    Sorted(Item[][] chunks, int count) => (_chunks, Count) = (chunks, count);

    public int Count { get; }

    /// <param name="items">In key order.</param>
    public static Sorted From(List<Item> items) => new([.. items.Chunk(Largest * 3 / 4)], items.Count);

    public Item? Find(string key)
    {
        var (chunk, at) = Locate(key);
        return at >= 0 && chunk < _chunks.Length ? _chunks[chunk][at] : null;
    }

    /// <summary>With the item in the place of the one of the same key.</summary>
    public Sorted Set(Item item, out Item? previous)
    {
        previous = null;
        if (_chunks.Length == 0) return new([[item]], 1);
        var (c, at) = Locate(item.Key);
        if (c == _chunks.Length) (c, at) = (c - 1, ~_chunks[c - 1].Length);
        var chunk = _chunks[c];
        if (at >= 0)
        {
            previous = chunk[at];
            var same = (Item[])chunk.Clone();
            same[at] = item;
            return new(With(c, same), Count);
        }
        var grown = new Item[chunk.Length + 1];
        chunk.AsSpan(0, ~at).CopyTo(grown);
        grown[~at] = item;
        chunk.AsSpan(~at).CopyTo(grown.AsSpan(~at + 1));
        if (grown.Length <= Largest) return new(With(c, grown), Count + 1);
        // Appending in order fills chunks; elsewhere they are halved.
        int cut = c == _chunks.Length - 1 && ~at == chunk.Length ? Largest * 7 / 8 : grown.Length / 2;
        return new([.. _chunks[..c], grown[..cut], grown[cut..], .. _chunks[(c + 1)..]], Count + 1);
    }

    public Sorted Remove(string key, out Item? previous)
    {
        var (c, at) = Locate(key);
        previous = null;
        if (at < 0 || c == _chunks.Length) return this;
        var chunk = _chunks[c];
        previous = chunk[at];
        if (chunk.Length == 1) return new([.. _chunks[..c], .. _chunks[(c + 1)..]], Count - 1);
        Item[] rest = [.. chunk.AsSpan(0, at), .. chunk.AsSpan(at + 1)];
        // Neighbours that became short are joined, or deletes in a row would leave chunks of one.
        if (c + 1 < _chunks.Length && rest.Length + _chunks[c + 1].Length <= Largest / 2)
            return new([.. _chunks[..c], [.. rest, .. _chunks[c + 1]], .. _chunks[(c + 2)..]], Count - 1);
        return new(With(c, rest), Count - 1);
    }

    Item[][] With(int c, Item[] chunk)
    {
        var chunks = (Item[][])_chunks.Clone();
        chunks[c] = chunk;
        return chunks;
    }

    /// <summary>From the first key that is not before <paramref name="start"/>, up to the first that does not begin with <paramref name="prefix"/>.</summary>
    public Range Between(string start, string prefix)
    {
        if (string.CompareOrdinal(start, prefix) < 0) start = prefix;
        var (first, from) = start.Length == 0 ? (0, 0) : Locate(start);
        // Where it ends is looked up once: no item between need be touched to be passed over.
        var (last, to) = prefix.Length == 0 ? (_chunks.Length, 0) : Locate(Behind(prefix));
        return new(_chunks, first, from < 0 ? ~from : from, last, to < 0 ? ~to : to);
    }

    /// <summary>What differs between two versions, in key order: what is gone or replaced, and what is new or in its place.</summary>
    /// <remarks>Chunks that both share are passed over whole, so that what a write costs those who follow does not grow with the number of items.</remarks>
    public static IEnumerable<(Item? Old, Item? New)> Differences(Sorted old, Sorted now)
    {
        Item[][] a = old._chunks, b = now._chunks;
        int first = 0, lastA = a.Length, lastB = b.Length;
        while (first < lastA && first < lastB && ReferenceEquals(a[first], b[first])) first++;
        while (lastA > first && lastB > first && ReferenceEquals(a[lastA - 1], b[lastB - 1])) (lastA, lastB) = (lastA - 1, lastB - 1);
        int chunkA = first, atA = 0, chunkB = first, atB = 0;
        while (true)
        {
            if (chunkA < lastA && atA == a[chunkA].Length) { (chunkA, atA) = (chunkA + 1, 0); continue; }
            if (chunkB < lastB && atB == b[chunkB].Length) { (chunkB, atB) = (chunkB + 1, 0); continue; }
            var (before, after) = (chunkA < lastA ? a[chunkA][atA] : null, chunkB < lastB ? b[chunkB][atB] : null);
            if (before is null && after is null) yield break;
            int order = before is null ? 1 : after is null ? -1 : string.CompareOrdinal(before.Key, after.Key);
            if (order <= 0) atA++;
            if (order >= 0) atB++;
            if (order == 0 && ReferenceEquals(before, after)) continue;
            yield return (order <= 0 ? before : null, order >= 0 ? after : null);
        }
    }

    /// <summary>The first key that no longer begins with the prefix would be here.</summary>
    static string Behind(string prefix) => prefix[..^1] + (char)(prefix[^1] + 1);

    /// <summary>How many items are before a key.</summary>
    int CountBefore(int chunk, int at)
    {
        int count = at;
        for (int i = 0; i < chunk && i < _chunks.Length; i++) count += _chunks[i].Length;
        return count;
    }

    /// <summary>How many keys begin with the prefix.</summary>
    public int CountOf(string prefix)
    {
        if (prefix.Length == 0) return Count;
        var (from, first) = Locate(prefix);
        var (to, last) = Locate(Behind(prefix));
        return CountBefore(to, last < 0 ? ~last : last) - CountBefore(from, first < 0 ? ~first : first);
    }

    /// <summary>The chunk that has or would have the key, and the index in it or the complement of where it would go.</summary>
    (int Chunk, int At) Locate(string key)
    {
        int low = 0, high = _chunks.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (string.CompareOrdinal(_chunks[middle][^1].Key, key) < 0) low = middle + 1;
            else high = middle;
        }
        if (low == _chunks.Length) return (low, ~0);
        var chunk = _chunks[low];
        int left = 0, right = chunk.Length - 1;
        while (left <= right)
        {
            int middle = (left + right) >>> 1, order = string.CompareOrdinal(chunk[middle].Key, key);
            if (order == 0) return (low, middle);
            if (order < 0) left = middle + 1;
            else right = middle - 1;
        }
        return (low, ~left);
    }

    /// <summary>A part of the items: enumerates itself.</summary>
    public struct Range
    {
        readonly Item[][] _chunks;
        readonly int _last, _to;
        int _chunk, _at;

        /// <param name="last">The chunk of the first item behind the range, which is its <paramref name="to"/>th.</param>
        internal Range(Item[][] chunks, int first, int from, int last, int to) => (_chunks, _chunk, _at, _last, _to) = (chunks, first, from - 1, last, to);

        public readonly Range GetEnumerator() => this;
        public readonly Item Current => _chunks[_chunk][_at];

        public bool MoveNext()
        {
            if (_chunk >= _chunks.Length) return false;
            if (++_at >= _chunks[_chunk].Length) (_chunk, _at) = (_chunk + 1, 0);
            return _chunk < _last || _chunk == _last && _at < _to;
        }
    }
}
