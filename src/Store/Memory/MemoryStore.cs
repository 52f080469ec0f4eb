using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Hanbae.Store.Watch;

namespace Hanbae.Store.Memory;

/// <summary>A store for test clusters: everything in a tree of which snapshots cost nothing.</summary>
public sealed class MemoryStore : IStore, IChangeLog
{
    /// <summary>How many entries <see cref="ReadAsync"/> hands out at once.</summary>
    const int PageSize = 1000;

    readonly MemoryOptions _options;
    readonly Lock _gate = new();
    readonly History _history;
    readonly Fanout _fanout;
    bool _closed;

    public MemoryStore() : this(new MemoryOptions()) { }

    public MemoryStore(MemoryOptions options) : this(options, History.Nothing, Revision.First) { }

    MemoryStore(MemoryOptions options, ImmutableSortedSet<Entry> entries, Revision at)
    {
        _options = options;
        _history = new(at, entries, options.History);
        _fanout = new(at, options.WatchBuffer);
    }

    /// <summary>Another store that begins with what this one holds now, at the same revision, and goes its own way; costs nothing but what changes.</summary>
    public MemoryStore Fork()
    {
        var (entries, revision) = At(null);
        return new(_options, entries, revision);
    }

    public ValueTask<Entry?> GetAsync(Key key, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_closed) throw Closed();
            return new(_history.Find(key));
        }
    }

    public ValueTask<Page> ListAsync(KeyRange range, Revision? at, int limit, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var (entries, revision) = At(at);
        var (from, to) = Bounds(entries, range);
        int count = limit > 0 ? Math.Min(limit, to - from) : to - from;
        return new(new Page(Slice(entries, from, count), revision, More: count < to - from, Remaining: to - from - count));
    }

    public async IAsyncEnumerable<Page> ReadAsync(KeyRange range, Revision? at, [EnumeratorCancellation] CancellationToken ct)
    {
        await ValueTask.CompletedTask.ConfigureAwait(false);
        var (entries, revision) = At(at);
        var (from, to) = Bounds(entries, range);
        do
        {
            ct.ThrowIfCancellationRequested();
            int count = Math.Min(PageSize, to - from);
            var slice = Slice(entries, from, count);
            from += count;
            yield return new(slice, revision, More: from < to, Remaining: null);
        }
        while (from < to);
    }

    public ValueTask<PutResult> PutIfAsync(Key key, ReadOnlyMemory<byte> value, Revision expected, CancellationToken ct)
    {
        StoreLimits.Check(value);
        ct.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_closed) throw Closed();
            var was = _history.Find(key);
            if ((was?.ModRevision ?? Revision.None) != expected) return new(new PutResult(false, was));

            var revision = _history.Current.Next;
            var entry = new Entry(key, value, revision, was?.CreateRevision ?? revision);
            Write(Change.Put(entry));
            return new(new PutResult(true, entry));
        }
    }

    public ValueTask<DeleteResult> DeleteIfAsync(Key key, Revision expected, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_closed) throw Closed();
            if (_history.Find(key) is not { } was || was.ModRevision != expected)
                return new(new DeleteResult(false, _history.Find(key), Revision.None));

            var revision = _history.Current.Next;
            Write(Change.Delete(was, revision));
            return new(new DeleteResult(true, was, revision));
        }
    }

    public IAsyncEnumerable<Change> WatchAsync(KeyRange range, Revision after, CancellationToken ct) => Feed.WatchAsync(this, _fanout, range, after, ct);

    public ValueTask<Revision> CurrentAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return new(At(null).Revision);
    }

    public ValueTask RequestProgressAsync(KeyRange range, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _fanout.Progress(range);
        return default;
    }

    public ValueTask CompactAsync(Revision before, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_closed) throw Closed();
            if (before > _history.Current) throw UnavailableException.Future(before, _history.Oldest, _history.Current);
            _history.ForgetBefore(before);
            return default;
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate) _closed = true;
        _fanout.Close(Closed());
        return default;
    }

    List<Change> IChangeLog.ReadChanges(KeyRange range, Revision after, Revision upTo, int limit)
    {
        lock (_gate)
        {
            if (_closed) throw Closed();
            if (after < _history.Oldest) throw new CompactedException(after, _history.Oldest, _history.Current);
            var found = new List<Change>();
            for (var r = after.Next; r <= upTo && found.Count < limit; r = r.Next)
                if (_history.ChangeAt(r) is var change && range.Contains(change.Key)) found.Add(change);
            return found;
        }
    }

    /// <summary>In the lock: watchers are told in the order of revisions, and before the writer is.</summary>
    void Write(Change change)
    {
        _history.Add(change);
        _fanout.Publish([change]);
    }

    (ImmutableSortedSet<Entry> Entries, Revision Revision) At(Revision? at)
    {
        lock (_gate)
        {
            if (_closed) throw Closed();
            var revision = at ?? _history.Current;
            if (revision < _history.Oldest) throw new CompactedException(revision, _history.Oldest, _history.Current);
            if (revision > _history.Current) throw UnavailableException.Future(revision, _history.Oldest, _history.Current);
            return (_history.At(revision), revision);
        }
    }

    UnavailableException Closed() => UnavailableException.Closed(_history.Oldest, _history.Current);

    static (int From, int To) Bounds(ImmutableSortedSet<Entry> entries, KeyRange range)
    {
        int from = IndexOf(entries, range.Start);
        return (from, range.End is null ? entries.Count : Math.Max(from, IndexOf(entries, range.End)));
    }

    static int IndexOf(ImmutableSortedSet<Entry> entries, string bound) => entries.IndexOf(History.Probe(bound)) is var at && at >= 0 ? at : ~at;

    static Entry[] Slice(ImmutableSortedSet<Entry> entries, int from, int count)
    {
        var slice = new Entry[count];
        for (int i = 0; i < count; i++) slice[i] = entries[from + i];
        return slice;
    }
}
