using System.Collections.Immutable;

namespace Hanbae.Store.Memory;

/// <summary>What the store is, what it was at each kept revision, and what led there.</summary>
/// <remarks>
/// Not thread-safe. The tree is changed in place; every 64th revision one is kept that stays as it is, and what was between two of them is made of the
/// earlier one by doing the changes again. So a write leaves nothing behind but its change, and the superseded value.
/// </remarks>
sealed class History
{
    const int Stride = 64;

    static readonly IComparer<Entry> s_byKey = Comparer<Entry>.Create(static (a, b) => a.Key.CompareTo(b.Key));
    public static ImmutableSortedSet<Entry> Nothing { get; } = ImmutableSortedSet.Create(s_byKey);

    readonly int _bound;
    readonly ImmutableSortedSet<Entry>.Builder _now;
    /// <summary>Oldest first; the first is of the oldest revision or of one before it.</summary>
    readonly List<(Revision At, ImmutableSortedSet<Entry> Entries)> _trees = [];
    /// <summary>Those after the first tree, by revision: a ring that grows up to its bound.</summary>
    Change?[] _changes = new Change?[16];

    internal History(Revision first, ImmutableSortedSet<Entry> entries, int bound)
    {
        (_bound, Oldest, Current) = (Math.Max(bound, 1), first, first);
        _now = entries.ToBuilder();
        _trees.Add((first, entries));
    }

    public Revision Oldest { get; private set; }
    public Revision Current { get; private set; }

    /// <summary>The newest entry of the key.</summary>
    public Entry? Find(Key key) => _now.TryGetValue(Probe(key.Path), out var entry) ? entry : null;

    /// <summary>Something with that key, to look for.</summary>
    public static Entry Probe(string path) => new(Key.Trusted(path), default, default, default);

    /// <param name="revision">A kept one.</param>
    public ImmutableSortedSet<Entry> At(Revision revision)
    {
        if (revision == Current) return _now.ToImmutable();
        var (at, entries) = _trees.FindLast(t => t.At <= revision);
        if (at == revision) return entries;
        var then = entries.ToBuilder();
        for (var r = at.Next; r <= revision; r = r.Next) Do(Of(r)!, then);
        return then.ToImmutable();
    }

    /// <summary>What led to a revision after the oldest.</summary>
    public Change ChangeAt(Revision revision) => Of(revision)!;

    public void Add(Change change)
    {
        if (Current.Value - _trees[0].At.Value + 1 > _changes.Length) Grow();
        Do(change, _now);
        Current = change.Revision;
        Of(Current) = change;
        if (Current.Value % Stride == 0) _trees.Add((Current, _now.ToImmutable()));
        ForgetBefore(new(Current.Value - _bound));
    }

    public void ForgetBefore(Revision revision)
    {
        if (revision <= Oldest) return;
        Oldest = revision;
        while (_trees.Count > 1 && _trees[1].At <= Oldest)
        {
            for (var r = _trees[0].At.Next; r <= _trees[1].At; r = r.Next) Of(r) = null;
            _trees.RemoveAt(0);
        }
    }

    static void Do(Change change, ImmutableSortedSet<Entry>.Builder entries)
    {
        var entry = new Entry(change.Key, change.Value, change.Revision, change.CreateRevision);
        if (!change.IsCreate) entries.Remove(entry);
        if (change.Kind == ChangeKind.Put) entries.Add(entry);
    }

    ref Change? Of(Revision revision) => ref _changes[revision.Value % _changes.Length];

    void Grow()
    {
        var changes = new Change?[_changes.Length * 2];
        for (var r = _trees[0].At.Next; r <= Current; r = r.Next) changes[r.Value % changes.Length] = Of(r);
        _changes = changes;
    }
}
