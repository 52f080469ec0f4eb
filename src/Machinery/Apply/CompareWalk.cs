using System.Runtime.InteropServices;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>Walks two versions of an object side by side, as upstream's compareWalker, and skips what is equal byte by byte.</summary>
ref struct CompareWalk
{
    const int None = -1, Few = 16;

    readonly JsonTape _old, _new;
    readonly Scratch _scratch;

    public CompareWalk(in JsonTape old, in JsonTape now)
    {
        (_old, _new) = (old, now);
        _scratch = s_scratch ??= new();
        _scratch.Clear();
    }

    [ThreadStatic] static Scratch? s_scratch;

    /// <summary>Stacks of what the levels under way have found.</summary>
    sealed class Scratch
    {
        public readonly List<FieldSet.Entry> Added = [], Modified = [], Removed = [];
        public readonly List<Pair> Pairs = [];

        public void Clear()
        {
            Added.Clear();
            Modified.Clear();
            Removed.Clear();
            Pairs.Clear();
        }
    }

    /// <summary>An item's place in both lists, and how often it is there.</summary>
    record struct Pair(PathElement Element, int Old, int OldCount, int New, int NewCount);

    /// <summary>What a value came to: itself, and what is below it.</summary>
    struct Outcome
    {
        public bool Added, Modified, Removed;
        public FieldSet? AddedBelow, ModifiedBelow, RemovedBelow;
    }

    public Comparison Compare(ApplyType type)
    {
        var all = Compare(0, 0, type);
        return all.AddedBelow is null && all.ModifiedBelow is null && all.RemovedBelow is null ? Comparison.Same
            : new(all.AddedBelow ?? FieldSet.Empty, all.ModifiedBelow ?? FieldSet.Empty, all.RemovedBelow ?? FieldSet.Empty);
    }

    Outcome Compare(int old, int now, ApplyType type)
    {
        if (type.Merging == Merging.Ignored || old >= 0 && now >= 0 && _old.Bytes(old).SequenceEqual(_new.Bytes(now))) return default;
        var after = now >= 0 ? Shapes.Of(type, _new.Kind(now)) : default;
        var before = old >= 0 ? Shapes.Of(type, _old.Kind(old)) : after;
        if (now < 0) return Visit(before, old, now, type);
        if (before == after) return Visit(after, old, now, type);
        // Of no known type, and now of another shape: as what it was, and as what it is.
        var (a, b) = (Visit(before, old, now, type), Visit(after, old, now, type));
        return new()
        {
            Added = a.Added || b.Added, Modified = a.Modified || b.Modified, Removed = a.Removed || b.Removed,
            AddedBelow = Union(a.AddedBelow, b.AddedBelow), ModifiedBelow = Union(a.ModifiedBelow, b.ModifiedBelow), RemovedBelow = Union(a.RemovedBelow, b.RemovedBelow),
        };
    }

    static FieldSet? Union(FieldSet? a, FieldSet? b) => a is null ? b : b is null ? a : a.Union(b);

    Outcome Visit(Merging merging, int old, int now, ApplyType type)
    {
        byte open = merging == Merging.Fields ? (byte)'{' : (byte)'[';
        bool was = old >= 0 && _old.Kind(old) == open && _old[old].Count > 0, isNow = now >= 0 && _new.Kind(now) == open && _new[now].Count > 0;
        // Empty and null are leaves too, so that their difference is kept.
        if (merging == Merging.Leaf || !was && !isNow) return new() { Added = old < 0, Removed = now < 0, Modified = old >= 0 && now >= 0 && !SameLeaf(old, now) };
        var (added, modified, removed) = (_scratch.Added.Count, _scratch.Modified.Count, _scratch.Removed.Count);
        if (merging == Merging.Fields) Members(was ? old : None, isNow ? now : None, type);
        else Items(was ? old : None, isNow ? now : None, type);
        return new()
        {
            Added = old < 0, Removed = now < 0,
            AddedBelow = Pop(_scratch.Added, added), ModifiedBelow = Pop(_scratch.Modified, modified), RemovedBelow = Pop(_scratch.Removed, removed),
        };
    }

    static FieldSet? Pop(List<FieldSet.Entry> stack, int from)
    {
        if (stack.Count == from) return null;
        var set = FieldSet.Of(CollectionsMarshal.AsSpan(stack)[from..]);
        stack.RemoveRange(from, stack.Count - from);
        return set;
    }

    void Push(PathElement element, in Outcome found)
    {
        if (found.Added || found.AddedBelow is not null) _scratch.Added.Add(new(element, found.Added, found.AddedBelow));
        if (found.Modified || found.ModifiedBelow is not null) _scratch.Modified.Add(new(element, found.Modified, found.ModifiedBelow));
        if (found.Removed || found.RemovedBelow is not null) _scratch.Removed.Add(new(element, found.Removed, found.RemovedBelow));
    }

    bool SameLeaf(int old, int now)
    {
        ReadOnlySpan<byte> a = _old.Bytes(old), b = _new.Bytes(now);
        if (a[0] != b[0] && (a[0] is (byte)'"' or (byte)'{' or (byte)'[' || b[0] is (byte)'"' or (byte)'{' or (byte)'[')) return false;
        if (a[0] == '"' && !a.Contains((byte)'\\') && !b.Contains((byte)'\\')) return false;
        return (JsonValue.Parse(a), JsonValue.Parse(b)) switch
        {
            (JsonNumber x, JsonNumber y) => x.SameNumber(y),
            var (x, y) => x.Equals(y),
        };
    }

    void Members(int old, int now, ApplyType type)
    {
        int cursor = -1, guess = old + 1;
        int[]? oldNames = Sorted(_old, old), newNames = Sorted(_new, now);
        if (now >= 0)
            for (int n = _new[now].Count, at = now + 1; n > 0; n--, at += _new[at].Size)
            {
                var name = _new.Name(at);
                int other = old < 0 ? None : Find(_old, old, name, ref guess, oldNames);
                if (other >= 0 && _old.Bytes(other).SequenceEqual(_new.Bytes(at))) continue;
                var (element, member) = Shapes.Member(type, name, ref cursor);
                Push(element, Compare(other, at, member));
            }
        if (old < 0) return;
        cursor = -1;
        guess = now + 1;
        for (int n = _old[old].Count, at = old + 1; n > 0; n--, at += _old[at].Size)
        {
            var name = _old.Name(at);
            if (now >= 0 && Find(_new, now, name, ref guess, newNames) >= 0) continue;
            var (element, member) = Shapes.Member(type, name, ref cursor);
            Push(element, Compare(at, None, member));
        }
    }

    /// <summary>Members of a large object in the order of their names; null for one of few members.</summary>
    static int[]? Sorted(in JsonTape tape, int at)
    {
        if (at < 0 || tape[at].Count <= Few) return null;
        int[] places = new int[tape[at].Count];
        for (int i = 0, child = at + 1; i < places.Length; i++, child += tape[child].Size) places[i] = child;
        var copy = tape;
        Array.Sort(places, (a, b) => copy.Name(a).SequenceCompareTo(copy.Name(b)));
        return places;
    }

    /// <param name="guess">Where it most likely is: behind the one found before.</param>
    static int Find(in JsonTape tape, int parent, ReadOnlySpan<byte> name, ref int guess, int[]? sorted)
    {
        int end = parent + tape[parent].Size;
        if (guess < end && tape.Name(guess).SequenceEqual(name))
        {
            int found = guess;
            guess += tape[guess].Size;
            return found;
        }
        if (sorted is not null)
        {
            int low = 0, high = sorted.Length - 1;
            while (low <= high)
            {
                int middle = (low + high) >>> 1, order = tape.Name(sorted[middle]).SequenceCompareTo(name);
                if (order == 0)
                {
                    guess = sorted[middle] + tape[sorted[middle]].Size;
                    return sorted[middle];
                }
                if (order < 0) low = middle + 1;
                else high = middle - 1;
            }
            return None;
        }
        for (int at = parent + 1; at < end; at += tape[at].Size)
            if (tape.Name(at).SequenceEqual(name))
            {
                guess = at + tape[at].Size;
                return at;
            }
        return None;
    }

    void Items(int old, int now, ApplyType type)
    {
        int from = _scratch.Pairs.Count;
        var index = (old < 0 ? 0 : _old[old].Count) + (now < 0 ? 0 : _new[now].Count) > Few ? new Dictionary<PathElement, int>() : null;
        if (old >= 0)
            for (int n = _old[old].Count, at = old + 1; n > 0; n--, at += _old[at].Size)
            {
                ref var pair = ref PairOf(ListKeys.Of(_old, at, type), from, index);
                if (pair.OldCount++ == 0) pair.Old = at;
            }
        if (now >= 0)
            for (int n = _new[now].Count, at = now + 1; n > 0; n--, at += _new[at].Size)
            {
                ref var pair = ref PairOf(ListKeys.Of(_new, at, type), from, index);
                if (pair.NewCount++ == 0) pair.New = at;
            }
        int to = _scratch.Pairs.Count;
        for (int i = from; i < to; i++) Item(_scratch.Pairs[i], old, now, type);
        _scratch.Pairs.RemoveRange(from, to - from);
    }

    readonly ref Pair PairOf(PathElement element, int from, Dictionary<PathElement, int>? index)
    {
        var pairs = CollectionsMarshal.AsSpan(_scratch.Pairs);
        if (index is not null && index.TryGetValue(element, out int known)) return ref pairs[known];
        if (index is null)
            for (int i = from; i < pairs.Length; i++)
                if (pairs[i].Element.Equals(element)) return ref pairs[i];
        index?.Add(element, _scratch.Pairs.Count);
        _scratch.Pairs.Add(new(element, None, 0, None, 0));
        return ref CollectionsMarshal.AsSpan(_scratch.Pairs)[^1];
    }

    /// <summary>Items that share a key are one leaf together, as long as there are several.</summary>
    void Item(in Pair pair, int old, int now, ApplyType type)
    {
        var (element, items) = (pair.Element, type.Items);
        if (pair is { OldCount: <= 1, NewCount: <= 1 }) Push(element, Compare(pair.Old, pair.New, items));
        else if (pair is { OldCount: >= 2, NewCount: >= 2 })
        {
            if (!SameItems(element, old, now, type)) Push(element, new() { Modified = true });
        }
        else if (pair.OldCount >= 2)
        {
            var found = pair.NewCount > 0 ? Compare(None, pair.New, items) : default;
            found.Removed = true;
            Push(element, found);
        }
        else
        {
            var found = pair.OldCount > 0 ? Compare(pair.Old, None, items) : default;
            found.Added = true;
            Push(element, found);
        }
    }

    readonly bool SameItems(PathElement element, int old, int now, ApplyType type)
    {
        var (a, b) = (All(_old, old, element, type), All(_new, now, element, type));
        return a.SequenceEqual(b);
    }

    static List<JsonValue> All(in JsonTape tape, int list, PathElement element, ApplyType type)
    {
        var found = new List<JsonValue>();
        for (int n = tape[list].Count, at = list + 1; n > 0; n--, at += tape[at].Size)
            if (ListKeys.Of(tape, at, type).Equals(element)) found.Add(JsonValue.Parse(tape.Bytes(at)));
        return found;
    }
}
