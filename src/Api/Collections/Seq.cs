using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Hanbae.Api;

/// <summary>An immutable list field: structural equality, and absent (<see cref="IsNil"/>) told from empty as Go tells nil from <c>[]</c>.</summary>
[CollectionBuilder(typeof(Seq), nameof(Seq.Create))]
public readonly struct Seq<T> : IReadOnlyList<T>, IEquatable<Seq<T>>
{
    readonly T[]? _items;

    internal Seq(T[]? items) => _items = items;

    /// <summary>Absent: not the same as empty on the wire, the same everywhere else.</summary>
    public bool IsNil => _items is null;
    public bool IsEmpty => _items is null || _items.Length == 0;
    public int Count => _items?.Length ?? 0;
    public T this[int index] => _items![index];
    public ReadOnlySpan<T> Span => _items;

    /// <summary>This list with <paramref name="item"/> behind.</summary>
    public Seq<T> Add(T item) => new([.. Span, item]);
    /// <summary>This list with another item at <paramref name="index"/>.</summary>
    public Seq<T> SetAt(int index, T item)
    {
        T[] copy = Span.ToArray();
        copy[index] = item;
        return new(copy);
    }

    /// <summary>The first item that satisfies <paramref name="match"/>, or the default.</summary>
    public T? Find(Func<T, bool> match)
    {
        foreach (T item in Span) if (match(item)) return item;
        return default;
    }

    public int IndexOf(Func<T, bool> match)
    {
        for (int i = 0; i < Count; i++) if (match(_items![i])) return i;
        return -1;
    }

    public bool Exists(Func<T, bool> match) => IndexOf(match) >= 0;

    public bool Contains(T item) => _items is not null && Array.IndexOf(_items, item) >= 0;

    public bool Equals(Seq<T> other)
    {
        if (ReferenceEquals(_items, other._items)) return true;
        if (Count != other.Count) return false;
        var equal = EqualityComparer<T>.Default;
        for (int i = 0; i < Count; i++) if (!equal.Equals(_items![i], other._items![i])) return false;
        return true;
    }

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Seq<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (T item in Span) hash.Add(item);
        return hash.ToHashCode();
    }

    public static bool operator ==(Seq<T> a, Seq<T> b) => a.Equals(b);
    public static bool operator !=(Seq<T> a, Seq<T> b) => !a.Equals(b);
    public static implicit operator Seq<T>(T[] items) => new((T[])items.Clone());

    /// <summary>Enumerates without allocating, also across awaits.</summary>
    public ArrayEnumerator<T> GetEnumerator() => new(_items);
    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)(_items ?? [])).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => (_items ?? []).GetEnumerator();
}

/// <summary>Makes <see cref="Seq{T}"/>s.</summary>
public static class Seq
{
    public static Seq<T> Create<T>(ReadOnlySpan<T> items) => new(items.ToArray());
    public static Seq<T> ToSeq<T>(this IEnumerable<T> items) => new([.. items]);
}
