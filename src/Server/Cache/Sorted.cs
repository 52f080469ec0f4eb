namespace Hanbae.Server.Cache;

/// <summary>Items in key order that nobody can change: every version is a snapshot, so that pages and watches agree without locks.</summary>
/// <remarks>A tree of pieces, all leaves equally deep: a change copies the pieces from its leaf to the root, about a kilobyte with ten thousand items as with a million.</remarks>
public sealed class Sorted
{
    public static Sorted Empty { get; } = new(null);

    /// <summary>Null when there is nothing.</summary>
    readonly Piece? _root;

    Sorted(Piece? root) => _root = root;

    public int Count => _root?.Count ?? 0;

    /// <param name="items">In key order.</param>
    public static Sorted From(List<Item> items)
    {
        Piece[] level = [.. items.Chunk(Piece.Filled).Select(i => new Leaf(i))];
        while (level.Length > 1) level = [.. level.Chunk(Piece.Filled).Select(b => Branch.Of(b))];
        return new(level.FirstOrDefault());
    }

    public Item? Find(string key) => Locate(key) is { Leaf: { } leaf, At: >= 0 and var at } ? leaf.Items[at] : null;

    /// <summary>With the item in the place of the one of the same key.</summary>
    public Sorted Set(Item item, out Item? previous)
    {
        previous = null;
        if (_root is null) return new(new Leaf([item]));
        var (first, second) = _root.Set(item, last: true, out previous);
        return new(second is null ? first : Branch.Of(first, second));
    }

    public Sorted Remove(string key, out Item? previous)
    {
        previous = null;
        if (_root is null) return this;
        var rest = _root.Remove(key, out previous);
        if (previous is null) return this;
        while (rest is Branch { Below: [var only] }) rest = only;
        return new(rest);
    }

    /// <summary>From the first key that is not before <paramref name="start"/>, up to the first that does not begin with <paramref name="prefix"/>.</summary>
    public Range Between(string start, string prefix)
    {
        if (string.CompareOrdinal(start, prefix) < 0) start = prefix;
        if (prefix.Length == 0) return new(_root, Locate(start), default);
        string behind = Behind(prefix);
        // Where it ends is looked up once: no item between need be touched to be passed over.
        var end = Locate(behind);
        return string.CompareOrdinal(start, behind) < 0 ? new(_root, Locate(start), end) : new(_root, end, end);
    }

    /// <summary>What differs between two versions, in key order: what is gone or replaced, and what is new or in its place.</summary>
    /// <remarks>Pieces that both share are passed over whole, so that what a write costs those who follow does not grow with the number of items.</remarks>
    public static IEnumerable<(Item? Old, Item? New)> Differences(Sorted old, Sorted now)
    {
        var (a, b) = Apart(old._root is null ? [] : [old._root], now._root is null ? [] : [now._root]);
        int leafA = 0, atA = 0, leafB = 0, atB = 0;
        while (true)
        {
            if (leafA < a.Length && atA == a[leafA].Items.Length) { (leafA, atA) = (leafA + 1, 0); continue; }
            if (leafB < b.Length && atB == b[leafB].Items.Length) { (leafB, atB) = (leafB + 1, 0); continue; }
            if (leafA < a.Length && leafB < b.Length && atA == 0 && atB == 0 && ReferenceEquals(a[leafA], b[leafB])) { (leafA, leafB) = (leafA + 1, leafB + 1); continue; }
            var (before, after) = (leafA < a.Length ? a[leafA].Items[atA] : null, leafB < b.Length ? b[leafB].Items[atB] : null);
            if (before is null && after is null) yield break;
            int order = before is null ? 1 : after is null ? -1 : string.CompareOrdinal(before.Key, after.Key);
            if (order <= 0) atA++;
            if (order >= 0) atB++;
            if (order == 0 && ReferenceEquals(before, after)) continue;
            yield return (order <= 0 ? before : null, order >= 0 ? after : null);
        }
    }

    /// <summary>The leaves of two rows of pieces without those that both begin and end with.</summary>
    static (Leaf[] A, Leaf[] B) Apart(ReadOnlySpan<Piece> a, ReadOnlySpan<Piece> b)
    {
        while (true)
        {
            int same = 0;
            while (same < a.Length && same < b.Length && ReferenceEquals(a[same], b[same])) same++;
            a = a[same..];
            b = b[same..];
            same = 0;
            while (same < a.Length && same < b.Length && ReferenceEquals(a[^(same + 1)], b[^(same + 1)])) same++;
            a = a[..^same];
            b = b[..^same];
            if (!Deep(a) && !Deep(b)) return (Leaves(a), Leaves(b));
            // What is deeper is opened first, until both are rows of equal depth.
            var (depthA, depthB) = (Depth(a), Depth(b));
            if (depthA >= depthB) a = Open(a);
            if (depthB >= depthA) b = Open(b);
        }

        static bool Deep(ReadOnlySpan<Piece> row) => row is [Branch, ..];
        static int Depth(ReadOnlySpan<Piece> row) => row.Length == 0 ? 0 : row[0].Depth;
        static Leaf[] Leaves(ReadOnlySpan<Piece> row) => [.. row.ToArray().Cast<Leaf>()];
        static Piece[] Open(ReadOnlySpan<Piece> row) => [.. row.ToArray().Cast<Branch>().SelectMany(p => p.Below)];
    }

    /// <summary>How many items are between, without passing over them.</summary>
    public int CountBetween(string start, string prefix)
    {
        int end = prefix.Length == 0 ? Count : CountBefore(Behind(prefix));
        return Math.Max(0, end - CountBefore(string.CompareOrdinal(start, prefix) < 0 ? prefix : start));
    }

    int CountBefore(string key)
    {
        int count = 0;
        var piece = _root;
        while (piece is Branch branch)
        {
            int at = branch.IndexOf(key);
            for (int i = 0; i < at; i++) count += branch.Below[i].Count;
            piece = at < branch.Below.Length ? branch.Below[at] : null;
        }
        if (piece is not Leaf leaf) return count;
        int found = leaf.IndexOf(key);
        return count + (found < 0 ? ~found : found);
    }

    /// <summary>The first key that no longer begins with the prefix would be here.</summary>
    static string Behind(string prefix) => prefix[..^1] + (char)(prefix[^1] + 1);

    (Leaf? Leaf, int At) Locate(string key) => Locate(_root, key);

    /// <summary>The leaf that has the key or the first one behind it, and the index in it or the complement of where it would go; no leaf when all are before it.</summary>
    static (Leaf? Leaf, int At) Locate(Piece? piece, string key)
    {
        while (piece is Branch branch) piece = branch.IndexOf(key) is var at && at < branch.Below.Length ? branch.Below[at] : null;
        return piece is Leaf leaf && leaf.IndexOf(key) is var found && ~found < leaf.Items.Length ? (leaf, found) : (null, ~0);
    }

    /// <summary>A part of the items: enumerates itself.</summary>
    public struct Range
    {
        readonly Piece? _root;
        readonly Leaf? _last;
        readonly int _to;
        Leaf? _leaf;
        int _at;

        /// <param name="from">The first item's place, or the complement of it.</param>
        /// <param name="end">The place of the first item behind the range; no leaf when there is none.</param>
        internal Range(Piece? root, (Leaf? Leaf, int At) from, (Leaf? Leaf, int At) end)
        {
            (_root, _leaf, _last) = (root, from.Leaf, end.Leaf);
            _at = (from.At < 0 ? ~from.At : from.At) - 1;
            _to = end.At < 0 ? ~end.At : end.At;
        }

        public readonly Range GetEnumerator() => this;
        public readonly Item Current => _leaf!.Items[_at];

        public bool MoveNext()
        {
            if (_leaf is null) return false;
            // The last key with a character more is before what follows it.
            if (++_at >= _leaf.Items.Length) (_leaf, _at) = (Locate(_root, _leaf.Last + '\0').Leaf, 0);
            return _leaf is not null && (!ReferenceEquals(_leaf, _last) || _at < _to);
        }
    }

    /// <summary>A leaf with items or a branch with what is below it; never empty.</summary>
    internal abstract class Piece(string last, int count, int depth)
    {
        /// <summary>What is written allocates least between 32 and 64; what is read hardly cares.</summary>
        protected const int Largest = 48;
        public const int Filled = Largest * 3 / 4;

        /// <summary>The greatest key.</summary>
        public string Last => last;
        /// <summary>Of items.</summary>
        public int Count => count;
        /// <summary>0 of a leaf.</summary>
        public int Depth => depth;
        /// <summary>Of what is directly in it.</summary>
        public abstract int Width { get; }

        /// <param name="last">Nothing is behind this piece: keys that come in order fill it.</param>
        /// <returns>The piece with the item, and what is behind it when it had to be cut.</returns>
        public abstract (Piece First, Piece? Second) Set(Item item, bool last, out Item? previous);

        /// <returns>Itself when there is no such key, null when nothing is left.</returns>
        public abstract Piece? Remove(string key, out Item? previous);

        /// <summary>With what is in the piece behind it, which is as deep.</summary>
        public abstract Piece With(Piece next);

        /// <summary>Where what has grown too wide is cut: in the middle, but behind keys that come in order.</summary>
        protected static int Cut(int width, bool appended) => appended ? Largest * 7 / 8 : width / 2;
    }

    internal sealed class Leaf(Item[] items) : Piece(items[^1].Key, items.Length, 0)
    {
        public Item[] Items => items;
        public override int Width => items.Length;

        /// <returns>The index, or the complement of where the key would go.</returns>
        public int IndexOf(string key)
        {
            int left = 0, right = items.Length - 1;
            while (left <= right)
            {
                int middle = (left + right) >>> 1, order = string.CompareOrdinal(items[middle].Key, key);
                if (order == 0) return middle;
                if (order < 0) left = middle + 1;
                else right = middle - 1;
            }
            return ~left;
        }

        public override (Piece First, Piece? Second) Set(Item item, bool last, out Item? previous)
        {
            int at = IndexOf(item.Key);
            previous = at < 0 ? null : items[at];
            if (at >= 0)
            {
                var same = (Item[])items.Clone();
                same[at] = item;
                return (new Leaf(same), null);
            }
            Item[] grown = [.. items.AsSpan(0, ~at), item, .. items.AsSpan(~at)];
            if (grown.Length <= Largest) return (new Leaf(grown), null);
            int cut = Cut(grown.Length, last && ~at == items.Length);
            return (new Leaf(grown[..cut]), new Leaf(grown[cut..]));
        }

        public override Piece? Remove(string key, out Item? previous)
        {
            int at = IndexOf(key);
            previous = at < 0 ? null : items[at];
            if (at < 0) return this;
            return items.Length == 1 ? null : new Leaf([.. items.AsSpan(0, at), .. items.AsSpan(at + 1)]);
        }

        public override Piece With(Piece next) => new Leaf([.. items, .. ((Leaf)next).Items]);
    }

    internal sealed class Branch(Piece[] below, int count) : Piece(below[^1].Last, count, below[0].Depth + 1)
    {
        public static Branch Of(params Piece[] below) => new(below, below.Sum(b => b.Count));

        public Piece[] Below => below;
        public override int Width => below.Length;

        /// <returns>Of the piece that has or would have the key; behind all when all their keys are before it.</returns>
        public int IndexOf(string key)
        {
            int low = 0, high = below.Length;
            while (low < high)
            {
                int middle = (low + high) >>> 1;
                if (string.CompareOrdinal(below[middle].Last, key) < 0) low = middle + 1;
                else high = middle;
            }
            return low;
        }

        public override (Piece First, Piece? Second) Set(Item item, bool last, out Item? previous)
        {
            int at = Math.Min(IndexOf(item.Key), below.Length - 1);
            bool lastOfAll = last && at == below.Length - 1;
            var (first, second) = below[at].Set(item, lastOfAll, out previous);
            if (second is null) return (Instead(at, first), null);
            Piece[] grown = [.. below.AsSpan(0, at), first, second, .. below.AsSpan(at + 1)];
            if (grown.Length <= Largest) return (new Branch(grown, Count + 1), null);
            int cut = Cut(grown.Length, lastOfAll);
            return (Of(grown[..cut]), Of(grown[cut..]));
        }

        public override Piece? Remove(string key, out Item? previous)
        {
            previous = null;
            int at = IndexOf(key);
            if (at == below.Length) return this;
            var rest = below[at].Remove(key, out previous);
            if (previous is null) return this;
            if (rest is null) return below.Length == 1 ? null : new Branch([.. below.AsSpan(0, at), .. below.AsSpan(at + 1)], Count - 1);
            // Neighbours that became narrow are joined, or deletes in a row would leave pieces of one.
            if (at + 1 < below.Length && rest.Width + below[at + 1].Width <= Largest / 2)
                return new Branch([.. below.AsSpan(0, at), rest.With(below[at + 1]), .. below.AsSpan(at + 2)], Count - 1);
            return Instead(at, rest);
        }

        public override Piece With(Piece next) => new Branch([.. below, .. ((Branch)next).Below], Count + next.Count);

        Branch Instead(int at, Piece piece)
        {
            var changed = (Piece[])below.Clone();
            changed[at] = piece;
            return new(changed, Count - below[at].Count + piece.Count);
        }
    }
}
