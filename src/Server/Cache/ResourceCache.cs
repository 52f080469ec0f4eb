using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store;
using Hanbae.Store.Encryption;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server.Cache;

/// <summary>Serves a resource from memory and stays consistent (decision 5): fed by one ordered watch of the store, read without locks.</summary>
public sealed partial class ResourceCache : IAsyncDisposable
{
    static readonly TimeSpan FreshnessTimeout = TimeSpan.FromSeconds(3);

    readonly IStore _store;
    readonly string _prefix;
    readonly KindInfo _kind;
    readonly TimeProvider _time;
    readonly bool _soleWriter;
    readonly ILogger _log;
    readonly Lock _gate = new();
    readonly EventRing _ring = new();
    readonly WatchHub _hub;
    readonly Indexes _indexes;
    readonly WritesAhead _ahead = new();
    readonly IConvertsStored? _converts;
    readonly List<(long Revision, TaskCompletionSource Reached)> _waiting = [];
    readonly ConcurrentDictionary<byte[], Written> _handoff = new(ReferenceEqualityComparer.Instance);
    readonly CancellationTokenSource _stop = new();
    /// <summary>Cancelled when the feed is to read all anew.</summary>
    CancellationTokenSource? _round;
    volatile State? _state;
    bool _over;
    /// <summary>Why nothing can be read, when whoever must convert it says so.</summary>
    volatile StatusException? _fault;
    Task? _feed;
    long _written, _sent;

    /// <summary>What is there, and as of which revision.</summary>
    public sealed record State(Sorted All, long Revision);

    /// <param name="prefix">Of the resource's keys, with the slash: <c>/registry/pods/</c>.</param>
    /// <param name="soleWriter">Nobody else writes to the store: its own writes tell how current the cache must be.</param>
    public ResourceCache(IStore store, string prefix, KindInfo kind, bool namespaced, IStrategy strategy, bool soleWriter, TimeProvider time, ILogger? log = null)
    {
        (_store, _prefix, _kind, _soleWriter, _time, _log) = (store, prefix, kind, soleWriter, time, log ?? NullLogger.Instance);
        _hub = new(strategy, namespaced);
        _indexes = new(strategy);
        _converts = strategy as IConvertsStored;
        Unreadable = new(store, prefix, ReadAnew);
    }

    /// <summary>What is in the store and cannot be served.</summary>
    internal Unreadables Unreadable { get; }

    void ReadAnew()
    {
        lock (_gate) _round?.Cancel();
    }

    /// <summary>The current state, including every write that was answered before.</summary>
    public async ValueTask<State> CurrentAsync(CancellationToken ct)
    {
        if (!_soleWriter)
        {
            var current = await _store.CurrentAsync(ct).ConfigureAwait(false);
            return await ReachAsync(current.Value, ask: true, ct).ConfigureAwait(false);
        }
        long written = Volatile.Read(ref _written);
        if (_state is { } state && state.Revision >= written) return state;
        return await ReachAsync(written, ask: false, ct).ConfigureAwait(false);
    }

    /// <summary>The newest version of one object, every write of it that was answered before included; null when there is none.</summary>
    public ValueTask<Item?> FindAsync(string key, CancellationToken ct)
    {
        if (!_soleWriter || _state is null || !Unreadable.IsEmpty) return FindCurrentAsync(key, ct);
        // In this order: what leaves the writes ahead is in the state by then.
        var ahead = _ahead.Find(key);
        long floor = _ahead.Floor;
        var state = _state;
        if (ahead is { } written) return new(state.All.Find(key) is { } there && there.Revision > written.Revision ? there : written.Item);
        return state.Revision >= floor ? new(state.All.Find(key)) : FindCurrentAsync(key, ct);
    }

    async ValueTask<Item?> FindCurrentAsync(string key, CancellationToken ct)
    {
        var found = (await CurrentAsync(ct).ConfigureAwait(false)).All.Find(key);
        if (found is not null || !Unreadable.Find(key, out _)) return found;
        return await Unreadable.ReadAsync(key, ct).ConfigureAwait(false) is { } entry ? Item.FromStored(_kind, key, entry.ModRevision.Value, entry.Value.Span) : null;
    }

    /// <summary>Whatever is at hand.</summary>
    public ValueTask<State> AnyAsync(CancellationToken ct) => _state is { } state ? new(state) : ReachAsync(0, false, ct);

    /// <exception cref="StatusException">The revision did not come within three seconds.</exception>
    public ValueTask<State> NotOlderThanAsync(long revision, CancellationToken ct) =>
        _state is { } state && state.Revision >= revision ? new(state) : ReachAsync(revision, ask: true, ct);

    async ValueTask<State> ReachAsync(long revision, bool ask, CancellationToken ct)
    {
        TaskCompletionSource reached;
        lock (_gate)
        {
            _feed ??= Task.Run(FeedAsync, CancellationToken.None);
            if (_state is { } state && state.Revision >= revision) return state;
            if (_over) throw Over();
            _waiting.Add((revision, reached = new(TaskCreationOptions.RunContinuationsAsynchronously)));
        }
        try
        {
            if (ask) await _store.RequestProgressAsync(KeyRange.Prefix(_prefix), ct).ConfigureAwait(false);
            await reached.Task.WaitAsync(FreshnessTimeout, _time, ct).ConfigureAwait(false);
        }
        catch (TimeoutException) when (_fault is { } fault) { throw new StatusException(fault.Status); }
        catch (TimeoutException)
        {
            throw _state is { } state ? Statuses.TooLargeResourceVersion(revision, state.Revision, 1) : Statuses.TooManyRequests("storage is (re)initializing", 1);
        }
        finally
        {
            if (!reached.Task.IsCompleted) lock (_gate) _waiting.RemoveAll(w => w.Reached == reached);
        }
        return _state!;
    }

    /// <summary>The items among which those of the filter are, at one with the state.</summary>
    public (Sorted Items, State State) Narrow(Filter filter, State state)
    {
        if (filter.Labels.IsEmpty && filter.Fields.IsEmpty) return (state.All, state);
        lock (_gate)
        {
            state = _state!;
            return (_indexes.Find(filter, state.All) ?? state.All, state);
        }
    }

    /// <param name="after">Null to begin with what is there now.</param>
    /// <param name="initialEventsEnd">Say when the initial events are sent.</param>
    /// <exception cref="StatusException">The revision is older than what is kept.</exception>
    internal Watcher Watch(Filter filter, long? after, bool bookmarks, bool initialEventsEnd)
    {
        var watcher = new Watcher(filter, bookmarks, Leave) { After = after ?? 0 };
        lock (_gate)
        {
            var state = _state!;
            if (after is { } since)
            {
                if (since < _ring.Since) throw Statuses.TooOld(since, _ring.Since);
                foreach (var e in _ring.After(since)) watcher.Offer(e);
            }
            else watcher.Initial = Matching(_indexes.Find(filter, state.All) ?? state.All, filter);
            if (initialEventsEnd) watcher.Enqueue(new(EventType.Bookmark, null, state.Revision, InitialEventsEnd: true));
            _hub.Add(watcher);
        }
        return watcher;
    }

    static IEnumerable<Item> Matching(Sorted items, Filter filter)
    {
        foreach (var item in items.Between("", filter.Prefix))
            if (filter.Matches(item)) yield return item;
    }

    void Leave(Watcher watcher)
    {
        lock (_gate) _hub.Remove(watcher);
    }

    /// <summary>Tells all watchers that want it how far they are.</summary>
    public async Task BookmarkAsync(CancellationToken ct)
    {
        if (_state is null || _hub.Count == 0) return;
        var current = await _store.CurrentAsync(ct).ConfigureAwait(false);
        try { await NotOlderThanAsync(current.Value, ct).ConfigureAwait(false); }
        catch (StatusException) { } // the store is slow: then they are told how far it came
        lock (_gate)
            foreach (var watcher in _hub.Everyone()) watcher.OfferBookmark(_state!.Revision);
    }

    /// <summary>The time of a watch is over: it is told how far it came, so that its client goes on from there.</summary>
    /// <remarks>In the lock: a revision is only told between the events before it and those after it.</remarks>
    internal void End(Watcher watcher)
    {
        lock (_gate)
        {
            if (_state is { } state) watcher.OfferBookmark(state.Revision);
            watcher.End();
        }
    }

    public long Revision => _state?.Revision ?? 0;
    public int WatcherCount => _hub.Count;
    /// <summary>How many objects there are; null when nobody has asked for the resource yet.</summary>
    public int? Count => _state?.All.Count;
    /// <summary>How many objects a namespace has, or all namespaces when it is empty; 0 when nobody has asked for the resource yet.</summary>
    internal int CountIn(string ns) => _state is not { } state ? 0 : state.All.CountBetween("", ns.Length == 0 ? "" : ns + "/");
    /// <summary>How many watchers a change of that object is sent to, but for those that select it by a field.</summary>
    internal int WatchersOf(string ns, string name)
    {
        // Mostly there are a few: then nobody need count them.
        if (_hub.Count < 2) return _hub.Count;
        lock (_gate) return _hub.CountOf(ns, name);
    }

    /// <summary>How often writes asked a watcher whether they concern it.</summary>
    public long WatchersAsked
    {
        get { lock (_gate) return _hub.Asked; }
    }
    /// <summary>Events that watchers were sent.</summary>
    public long EventsSent => Volatile.Read(ref _sent);
    internal void CountSent(int events) => Interlocked.Add(ref _sent, events);

    /// <summary>An object whose bytes are about to be written: the feed then need not decode what was just encoded.</summary>
    internal sealed record Written(IObject Object)
    {
        public Item? Item;
    }

    internal Written? Announce(byte[] value, IObject obj)
    {
        if (_feed is null || !_soleWriter) return null;
        var written = new Written(obj);
        _handoff[value] = written;
        return written;
    }

    /// <summary>The write ended; the item that reader and writer share.</summary>
    /// <param name="revision">0 when nothing was written.</param>
    internal Item? Wrote(byte[] value, Written? announced, IObject obj, string key, long revision)
    {
        if (revision == 0)
        {
            _handoff.TryRemove(value, out _);
            return null;
        }
        var item = announced?.Item;
        if (item is null)
        {
            item = Item.FromStored(_kind, key, revision, value, fresh: true);
            item.Hold(obj);
            // Whoever comes second takes the first one's.
            if (announced is not null) item = Interlocked.CompareExchange(ref announced.Item, item, null) ?? item;
        }
        Note(key, revision, item);
        return item;
    }

    /// <summary>From now on current means at least this.</summary>
    /// <param name="item">Null when the object was deleted.</param>
    internal void Note(string key, long revision, Item? item)
    {
        if (_soleWriter) _ahead.Add(key, revision, item);
        long seen;
        while ((seen = Volatile.Read(ref _written)) < revision && Interlocked.CompareExchange(ref _written, revision, seen) != seen) { }
    }

    async Task FeedAsync()
    {
        var range = KeyRange.Prefix(_prefix);
        Revision? from = null;
        var pause = TimeSpan.FromMilliseconds(50);
        while (!_stop.IsCancellationRequested)
        {
            using var round = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            lock (_gate) _round = round;
            try
            {
                from ??= await FillAsync(range).ConfigureAwait(false);
                await foreach (var change in _store.WatchAsync(range, from.Value, round.Token).ConfigureAwait(false))
                {
                    if (change.Kind == ChangeKind.Progress) Progress(change.Revision.Value);
                    else Apply(change);
                    from = change.Revision;
                    pause = TimeSpan.FromMilliseconds(50);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
            catch (OperationCanceledException) when (round.IsCancellationRequested) { from = null; }
            catch (UnavailableException e) when (e.Reason == Unavailable.Closed) { break; }
            catch (UnavailableException e) when (e.Reason == Unavailable.SlowWatcher)
            {
                // Watch again after the last one; what was handed over comes as other arrays.
                _handoff.Clear();
                Log.Behind(_log, _prefix);
            }
            catch (CompactedException e)
            {
                from = null;
                Log.Compacted(_log, _prefix, e.Asked.Value, e.Oldest.Value);
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                _fault = e as StatusException;
                Log.FeedFailed(_log, e, _prefix, pause);
                // The store will be back: what is served meanwhile is what was true, and consistent reads time out. What it had begun to
                // take in may be half in, so all is read anew, and watchers are told to list again.
                from = null;
                await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < TimeSpan.FromSeconds(5) ? pause * 2 : TimeSpan.FromSeconds(5);
            }
            finally { lock (_gate) _round = null; }
        }
        lock (_gate)
        {
            // Nothing will come any more: nobody is to wait for it.
            _over = true;
            foreach (var watcher in _hub.Everyone()) watcher.End();
            foreach (var (_, reached) in _waiting) reached.TrySetException(Over());
            _waiting.Clear();
        }
    }

    /// <summary>Everybody who watches has to begin anew.</summary>
    public void EndWatchers()
    {
        lock (_gate)
            foreach (var watcher in _hub.Everyone()) watcher.End();
    }

    static StatusException Over() => Statuses.Unavailable("apiserver is shutting down");

    async Task<Revision> FillAsync(KeyRange range)
    {
        var items = new List<Item>();
        var unreadable = new List<KeyValuePair<string, Revision>>();
        Revision revision = default;
        await foreach (var page in _store.ReadAsync(range, null, _stop.Token).ConfigureAwait(false))
        {
            revision = page.Revision;
            var entries = page.Entries;
            foreach (var entry in entries) if (Ciphertext.Is(entry.Value.Span)) unreadable.Add(new(KeyOf(entry.Key), entry.ModRevision));
            if (unreadable.Count > 0) entries = [.. entries.Where(e => !Ciphertext.Is(e.Value.Span))];
            var values = _converts is null ? null : await _converts.ConvertAsync([.. entries.Select(e => e.Value)], _stop.Token).ConfigureAwait(false);
            for (int i = 0; i < entries.Count; i++)
            {
                var entry = entries[i];
                var value = values?[i] ?? entry.Value;
                items.Add(Item.FromStored(_kind, KeyOf(entry.Key), entry.ModRevision.Value, value.Span, stale: !value.Equals(entry.Value)));
            }
        }
        if (revision == default) revision = await _store.CurrentAsync(_stop.Token).ConfigureAwait(false);
        if (unreadable.Count > 0) Log.Unreadable(_log, unreadable.Count, _prefix + unreadable[0].Key);
        lock (_gate)
        {
            // What was missed in between cannot be told: watchers list again.
            foreach (var watcher in _hub.Everyone()) watcher.End(Statuses.TooOld(_state?.Revision ?? 0, revision.Value).Status);
            _handoff.Clear();
            _indexes.Clear();
            _ring.Reset(revision.Value);
            Unreadable.Reset(unreadable);
            if (_state is not null) Log.Refilled(_log, _prefix, items.Count, revision.Value);
            _fault = null;
            Publish(new(Sorted.From(items), revision.Value));
            _ahead.Refilled(revision.Value);
        }
        return revision;
    }

    string KeyOf(Store.Key key) => key.Path[_prefix.Length..];

    void Progress(long revision)
    {
        lock (_gate)
            if (revision > _state!.Revision) Publish(_state with { Revision = revision });
    }

    void Apply(Change change)
    {
        string key = KeyOf(change.Key);
        if (Ciphertext.Is(change.Value.Span))
        {
            ApplyUnreadable(change, key);
            return;
        }
        Unreadable.Remove(key);
        Item? item = null;
        if (_handoff.Count > 0 && MemoryMarshal.TryGetArray(change.Value, out var array) && array.Array is { } bytes && _handoff.TryRemove(bytes, out var written))
        {
            item = Volatile.Read(ref written.Item);
            if (item is null)
            {
                item = Item.FromStored(_kind, key, change.Revision.Value, change.Value.Span, fresh: true);
                item.Hold(written.Object);
                item = Interlocked.CompareExchange(ref written.Item, item, null) ?? item;
            }
        }
        item ??= Item.FromStored(_kind, key, change.Revision.Value, change.Value.Span);
        lock (_gate)
        {
            var all = _state!.All;
            Item? previous;
            all = change.Kind == ChangeKind.Delete ? all.Remove(key, out previous) : all.Set(item, out previous);
            if (change.Kind == ChangeKind.Delete && previous is not null) item.HoldAs(previous, change.Value.Span);
            previous?.Shed();
            var e = new CacheEvent(change.Kind == ChangeKind.Delete ? EventType.Deleted : previous is null ? EventType.Added : EventType.Modified, item, previous);
            _ring.Add(e);
            _indexes.Apply(e);
            Publish(new(all, change.Revision.Value));
            _ahead.Reached(key, change.Revision.Value);
            _hub.Dispatch(e);
        }
    }

    /// <summary>Somebody else wrote it with a key that is not known here, or it is gone at last: whoever knew it from before sees it go.</summary>
    void ApplyUnreadable(Change change, string key)
    {
        lock (_gate)
        {
            var all = _state!.All.Remove(key, out var previous);
            if (change.Kind == ChangeKind.Delete) Unreadable.Remove(key);
            else Unreadable.Add(key, change.Revision);
            if (previous is not null)
            {
                var e = new CacheEvent(EventType.Deleted, Item.FromStored(_kind, key, change.Revision.Value, _kind.ToJson(previous.Object)), previous);
                _ring.Add(e);
                _indexes.Apply(e);
                _hub.Dispatch(e);
            }
            Publish(new(all, change.Revision.Value));
            _ahead.Reached(key, change.Revision.Value);
        }
    }

    /// <summary>In the lock.</summary>
    void Publish(State state)
    {
        _state = state;
        for (int i = _waiting.Count - 1; i >= 0; i--)
            if (_waiting[i].Revision <= state.Revision)
            {
                _waiting[i].Reached.TrySetResult();
                _waiting.RemoveAt(i);
            }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_feed is { } feed) await feed.ConfigureAwait(false);
        _stop.Dispose();
    }

    static partial class Log
    {
        [LoggerMessage(2010, LogLevel.Warning, "The cache of {Prefix} lost the store and reads it anew in {Pause}; until then reads are old and watchers wait")]
        public static partial void FeedFailed(ILogger logger, Exception e, string prefix, TimeSpan pause);

        [LoggerMessage(2011, LogLevel.Warning, "The cache of {Prefix} was too slow for the store and goes on after what it saw last")]
        public static partial void Behind(ILogger logger, string prefix);

        [LoggerMessage(2012, LogLevel.Warning, "The cache of {Prefix} wanted revision {Asked}, but the store keeps none before {Oldest}")]
        public static partial void Compacted(ILogger logger, string prefix, long asked, long oldest);

        [LoggerMessage(2014, LogLevel.Error, "{Count} stored objects cannot be decrypted, the first is {Key}: they are served when their key is there again")]
        public static partial void Unreadable(ILogger logger, int count, string key);

        [LoggerMessage(2013, LogLevel.Information, "The cache of {Prefix} was read anew: {Count} objects at revision {Revision}; its watchers were told to list again")]
        public static partial void Refilled(ILogger logger, string prefix, int count, long revision);
    }
}
