using System.Collections.Immutable;

namespace Hanbae.Store.Memory;

/// <summary>What the store was at each kept revision, and what led there: a ring that grows up to its bound.</summary>
/// <remarks>Neighbouring revisions share all of their trees but one path: about a kilobyte a revision with 100,000 keys, and the superseded value.</remarks>
sealed class History
{
    internal readonly record struct Moment(Change? Change, ImmutableSortedSet<Entry> Entries);

    readonly int _bound;
    Moment[] _ring = new Moment[16];

    internal History(Revision first, ImmutableSortedSet<Entry> entries, int bound)
    {
        (_bound, Oldest, Current) = (Math.Max(bound, 1), first, first);
        this[first] = new(null, entries);
    }

    public Revision Oldest { get; private set; }
    public Revision Current { get; private set; }
    public ImmutableSortedSet<Entry> Newest => this[Current].Entries;

    public Moment At(Revision revision) => this[revision];

    public void Add(Change change, ImmutableSortedSet<Entry> entries)
    {
        if (Current.Value - Oldest.Value + 1 == _ring.Length) Grow();
        Current = change.Revision;
        this[Current] = new(change, entries);
        ForgetBefore(new(Current.Value - _bound));
    }

    public void ForgetBefore(Revision revision)
    {
        for (; Oldest < revision; Oldest = Oldest.Next) this[Oldest] = default;
    }

    ref Moment this[Revision revision] => ref _ring[revision.Value % _ring.Length];

    void Grow()
    {
        var ring = new Moment[_ring.Length * 2];
        for (long r = Oldest.Value; r <= Current.Value; r++) ring[r % ring.Length] = _ring[r % _ring.Length];
        _ring = ring;
    }
}
