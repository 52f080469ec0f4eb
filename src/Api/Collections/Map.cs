using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Hanbae.Api;

/// <summary>An immutable map field with string keys: a sorted array, since maps are small and written in key order (as Go does).</summary>
[CollectionBuilder(typeof(Map), nameof(Map.Create))]
public readonly struct Map<T> : IReadOnlyCollection<KeyValuePair<string, T>>, IEquatable<Map<T>>
{
    readonly KeyValuePair<string, T>[]? _items;

    /// <param name="sorted">Keys in ordinal order, each once.</param>
    internal Map(KeyValuePair<string, T>[]? sorted) => _items = sorted;

    public bool IsNil => _items is null;
    public bool IsEmpty => _items is null || _items.Length == 0;
    public int Count => _items?.Length ?? 0;
    public ReadOnlySpan<KeyValuePair<string, T>> Span => _items;

    /// <summary>The value of <paramref name="key"/>, or the default when there is none.</summary>
    public T? this[string key] => TryGet(key, out var value) ? value : default;

    public bool ContainsKey(string key) => Find(key) >= 0;

    public bool TryGet(string key, [MaybeNullWhen(false)] out T value)
    {
        int at = Find(key);
        value = at >= 0 ? _items![at].Value : default;
        return at >= 0;
    }

    /// <summary>This map with <paramref name="key"/> set.</summary>
    public Map<T> Set(string key, T value)
    {
        int at = Find(key);
        if (at >= 0)
        {
            var copy = (KeyValuePair<string, T>[])_items!.Clone();
            copy[at] = new(key, value);
            return new(copy);
        }
        var grown = new KeyValuePair<string, T>[Count + 1];
        Span[..~at].CopyTo(grown);
        grown[~at] = new(key, value);
        Span[~at..].CopyTo(grown.AsSpan(~at + 1));
        return new(grown);
    }

    /// <summary>This map without <paramref name="key"/>.</summary>
    public Map<T> Remove(string key)
    {
        int at = Find(key);
        return at < 0 ? this : new([.. Span[..at], .. Span[(at + 1)..]]);
    }

    /// <summary>This map with every pair of <paramref name="others"/> set.</summary>
    public Map<T> With(Map<T> others)
    {
        if (others.IsEmpty) return this;
        if (IsEmpty) return others;
        return Map.Create<T>([.. Span, .. others.Span]);
    }

    /// <returns>The index, or the complement of where it would go.</returns>
    int Find(string key)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int mid = (low + high) >>> 1, order = string.CompareOrdinal(_items![mid].Key, key);
            if (order == 0) return mid;
            if (order < 0) low = mid + 1; else high = mid - 1;
        }
        return ~low;
    }

    public bool Equals(Map<T> other)
    {
        if (ReferenceEquals(_items, other._items)) return true;
        if (Count != other.Count) return false;
        var equal = EqualityComparer<T>.Default;
        for (int i = 0; i < Count; i++)
            if (_items![i].Key != other._items![i].Key || !equal.Equals(_items[i].Value, other._items[i].Value)) return false;
        return true;
    }

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Map<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var pair in Span) { hash.Add(pair.Key); hash.Add(pair.Value); }
        return hash.ToHashCode();
    }

    public static bool operator ==(Map<T> a, Map<T> b) => a.Equals(b);
    public static bool operator !=(Map<T> a, Map<T> b) => !a.Equals(b);

    /// <summary>Enumerates without allocating, also across awaits.</summary>
    public ArrayEnumerator<KeyValuePair<string, T>> GetEnumerator() => new(_items);
    IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, T>>)(_items ?? [])).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => (_items ?? []).GetEnumerator();
}

/// <summary>Makes <see cref="Map{T}"/>s.</summary>
public static class Map
{
    /// <summary>Sorts by key; of equal keys the last stands.</summary>
    public static Map<T> Create<T>(ReadOnlySpan<KeyValuePair<string, T>> items)
    {
        var copy = items.ToArray();
        return new(Sort(copy, copy.Length));
    }

    /// <summary>A map from pairs: <c>Map.Of(("app", "web"))</c>.</summary>
    public static Map<T> Of<T>(params ReadOnlySpan<(string Key, T Value)> items)
    {
        var copy = new KeyValuePair<string, T>[items.Length];
        for (int i = 0; i < copy.Length; i++) copy[i] = new(items[i].Key, items[i].Value);
        return new(Sort(copy, copy.Length));
    }

    public static Map<T> ToMap<T>(this IEnumerable<KeyValuePair<string, T>> items) => Create<T>([.. items]);

    /// <summary>Sorts the first <paramref name="count"/> in place (a no-op for input already in order) and drops earlier duplicates.</summary>
    internal static KeyValuePair<string, T>[] Sort<T>(KeyValuePair<string, T>[] items, int count)
    {
        bool ordered = true;
        for (int i = 1; i < count && ordered; i++) ordered = string.CompareOrdinal(items[i - 1].Key, items[i].Key) < 0;
        if (!ordered) count = count <= Few ? Insert(items, count) : Order(items, count);
        if (count != items.Length) Array.Resize(ref items, count);
        return items;
    }

    /// <summary>So few are sorted in place, without garbage: labels and the like, on every request.</summary>
    const int Few = 16;

    /// <summary>Each in its turn to its place among those before it; a later one of equal keys takes the earlier one's.</summary>
    static int Insert<T>(KeyValuePair<string, T>[] items, int count)
    {
        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            var pair = items[i];
            int at = kept, order = 1;
            while (at > 0 && (order = string.CompareOrdinal(items[at - 1].Key, pair.Key)) > 0) at--;
            if (at > 0 && order == 0) items[at - 1] = pair;
            else
            {
                Array.Copy(items, at, items, at + 1, kept - at);
                items[at] = pair;
                kept++;
            }
        }
        return kept;
    }

    static int Order<T>(KeyValuePair<string, T>[] items, int count)
    {
        // Stable, so that the last of equal keys is the one that stood last.
        var sorted = items.Take(count).OrderBy(p => p.Key, StringComparer.Ordinal).ToArray();
        count = 0;
        foreach (var pair in sorted)
        {
            if (count > 0 && items[count - 1].Key == pair.Key) count--;
            items[count++] = pair;
        }
        return count;
    }
}
