using System.Collections.Immutable;

namespace Hanbae.Machinery.Apply;

/// <summary>Which fields of an object somebody owns: a sorted trie of path elements.</summary>
/// <remarks>
/// Immutable and shared: 10,000 Pods of one Deployment have the same sets. An entry may be owned itself, have entries below, or both, as
/// in FieldsV1, where <c>"."</c> beside others tells that the parent is owned too.
/// </remarks>
public sealed class FieldSet : IEquatable<FieldSet>
{
    readonly Entry[] _entries;

    FieldSet(Entry[] entries) => _entries = entries;

    /// <summary>A step, whether the path up to it is in the set, and what is in the set below it.</summary>
    public readonly record struct Entry(PathElement Element, bool Owned, FieldSet? Below)
    {
        /// <summary>Below, never null.</summary>
        public FieldSet Children => Below ?? Empty;
    }

    public static FieldSet Empty { get; } = new([]);

    public bool IsEmpty => _entries.Length == 0;
    public ReadOnlySpan<Entry> Entries => _entries;

    /// <summary>The canonical bytes, once they were made; see <see cref="FieldsV1"/>.</summary>
    internal byte[]? Bytes { get; set; }

    /// <param name="entries">In any order, each element once; entries with nothing in them are dropped.</param>
    internal static FieldSet Of(Span<Entry> entries)
    {
        int count = 0;
        foreach (var entry in entries)
            if (entry.Owned || entry.Below is { IsEmpty: false }) entries[count++] = entry with { Below = entry.Below is { IsEmpty: false } ? entry.Below : null };
        if (count == 0) return Empty;
        entries = entries[..count];
        for (int i = 1; i < count; i++)
            if (entries[i - 1].Element.CompareTo(entries[i].Element) > 0)
            {
                entries.Sort(static (a, b) => a.Element.CompareTo(b.Element));
                break;
            }
        return new(entries.ToArray());
    }

    /// <summary>Of elements that are in order and have something in them.</summary>
    static FieldSet Made(ImmutableArray<Entry>.Builder entries, FieldSet same) =>
        entries.Count == 0 ? Empty : entries.Count == same._entries.Length && entries.SequenceEqual(same._entries, SameEntry.Instance) ? same : new([.. entries]);

    sealed class SameEntry : IEqualityComparer<Entry>
    {
        public static readonly SameEntry Instance = new();
        public bool Equals(Entry a, Entry b) => ReferenceEquals(a.Element, b.Element) && a.Owned == b.Owned && ReferenceEquals(a.Below, b.Below);
        public int GetHashCode(Entry entry) => entry.Element.GetHashCode();
    }

    /// <summary>A set of the paths given.</summary>
    public static FieldSet OfPaths(params IEnumerable<IEnumerable<PathElement>> paths)
    {
        var set = Empty;
        foreach (var path in paths)
        {
            PathElement[] steps = [.. path];
            if (steps.Length == 0) continue;
            FieldSet? below = null;
            for (int i = steps.Length - 1; i >= 0; i--) below = new([new(steps[i], i == steps.Length - 1, below)]);
            set = set.Union(below!);
        }
        return set;
    }

    /// <summary>A set of named fields, each written as <c>spec.replicas</c>.</summary>
    public static FieldSet OfFields(params IEnumerable<string> dotted) => OfPaths(dotted.Select(d => d.Split('.').Select(PathElements.Field)));

    int IndexOf(PathElement element)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1, order = _entries[middle].Element.CompareTo(element);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return -1;
    }

    /// <summary>The entry of that element; nothing in it when there is none.</summary>
    public Entry Find(PathElement element) => IndexOf(element) is >= 0 and var i ? _entries[i] : new(element, false, null);

    public bool Contains(params ReadOnlySpan<PathElement> path)
    {
        var set = this;
        for (int i = 0; i < path.Length; i++)
        {
            var entry = set.Find(path[i]);
            if (i == path.Length - 1) return entry.Owned;
            set = entry.Children;
        }
        return false;
    }

    public FieldSet Union(FieldSet other) => Merge(other, Both.Union);
    public FieldSet Intersection(FieldSet other) => Merge(other, Both.Intersection);
    /// <summary>Without the very paths of the other; what lies below them stays.</summary>
    public FieldSet Difference(FieldSet other) => Merge(other, Both.Difference);
    /// <summary>Without the paths of the other and all that lies below them.</summary>
    public FieldSet RecursiveDifference(FieldSet other) => Merge(other, Both.RecursiveDifference);

    enum Both { Union, Intersection, Difference, RecursiveDifference }

    FieldSet Merge(FieldSet other, Both how)
    {
        if (ReferenceEquals(this, other)) return how is Both.Union or Both.Intersection ? this : Empty;
        if (other.IsEmpty) return how == Both.Intersection ? Empty : this;
        if (IsEmpty) return how == Both.Union ? other : Empty;
        var result = ImmutableArray.CreateBuilder<Entry>(how == Both.Union ? _entries.Length + other._entries.Length : _entries.Length);
        int i = 0, j = 0;
        while (i < _entries.Length || j < other._entries.Length)
        {
            int order = i == _entries.Length ? 1 : j == other._entries.Length ? -1 : _entries[i].Element.CompareTo(other._entries[j].Element);
            if (order < 0)
            {
                if (how != Both.Intersection) result.Add(_entries[i]);
                i++;
            }
            else if (order > 0)
            {
                if (how == Both.Union) result.Add(other._entries[j]);
                j++;
            }
            else
            {
                var (a, b) = (_entries[i++], other._entries[j++]);
                bool owned = how switch { Both.Union => a.Owned || b.Owned, Both.Intersection => a.Owned && b.Owned, _ => a.Owned && !b.Owned };
                var below = how == Both.RecursiveDifference && b.Owned ? Empty : a.Children.Merge(b.Children, how);
                if (owned || !below.IsEmpty) result.Add(new(a.Element, owned, below.IsEmpty ? null : below));
            }
        }
        return Made(result, this);
    }

    /// <summary>With the named fields of structures that something is owned below, which sets leave out.</summary>
    /// <remarks>So that removing all of a structure's fields removes the structure.</remarks>
    public FieldSet WithNamedFields(ApplyType type)
    {
        var result = ImmutableArray.CreateBuilder<Entry>(_entries.Length);
        foreach (var entry in _entries)
        {
            bool named = entry.Element.Kind == PathKind.Field && type.Declares(entry.Element.Text);
            var inner = entry.Element.Kind == PathKind.Field ? type.Member(entry.Element.Text) : entry.Element.Kind == PathKind.Key ? type.Items : null;
            var below = entry.Below?.WithNamedFields(inner ?? ApplyType.Scalar);
            result.Add(new(entry.Element, entry.Owned || named && below is not null, below));
        }
        return Made(result, this);
    }

    /// <summary>Only the paths whose every step is to be kept.</summary>
    public FieldSet Select(Func<PathElement, int, bool> keep, int depth = 0)
    {
        var result = ImmutableArray.CreateBuilder<Entry>(_entries.Length);
        foreach (var entry in _entries)
        {
            if (!keep(entry.Element, depth)) continue;
            var below = entry.Below?.Select(keep, depth + 1);
            if (entry.Owned || below is { IsEmpty: false }) result.Add(entry with { Below = below is { IsEmpty: false } ? below : null });
        }
        return Made(result, this);
    }

    /// <summary>Every path of the set, in order.</summary>
    public IEnumerable<ImmutableArray<PathElement>> Paths()
    {
        foreach (var entry in _entries)
        {
            if (entry.Owned) yield return [entry.Element];
            if (entry.Below is not null)
                foreach (var path in entry.Below.Paths()) yield return path.Insert(0, entry.Element);
        }
    }

    public bool Equals(FieldSet? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || other._entries.Length != _entries.Length) return false;
        for (int i = 0; i < _entries.Length; i++)
        {
            var (a, b) = (_entries[i], other._entries[i]);
            if (a.Owned != b.Owned || !a.Element.Equals(b.Element) || !a.Children.Equals(b.Children)) return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => obj is FieldSet other && Equals(other);
    public override int GetHashCode() => _entries.Length == 0 ? 0 : HashCode.Combine(_entries.Length, _entries[0].Element, _entries[^1].Element);

    /// <summary>One path a line.</summary>
    public override string ToString() => string.Join("\n", Paths().Select(p => string.Concat(p)));
}
