using System.Threading.Tasks.Sources;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Cache;

public enum EventType : byte { Added, Modified, Deleted, Bookmark }

/// <summary>One event on its way to one watcher.</summary>
/// <param name="Item">Null in bookmarks.</param>
/// <param name="InitialEventsEnd">The bookmark that says that the initial events are all sent.</param>
/// <param name="Previous">What a change replaced, where there was something.</param>
public readonly record struct ItemEvent(EventType Type, Item? Item, long Revision, bool InitialEventsEnd = false, Item? Previous = null);

/// <summary>One client's watch: events that the cache hands over and the transport takes.</summary>
/// <remarks>Bound: <see cref="Bound"/> waiting events; a watcher that is slower is ended, never thinned. One reader.</remarks>
public sealed class Watcher : IValueTaskSource<bool>
{
    public const int Bound = 10_000;

    readonly Lock _gate = new();
    readonly bool _bookmarks;
    readonly Action<Watcher> _leave;
    ManualResetValueTaskSourceCore<bool> _signal = new() { RunContinuationsAsynchronously = true };
    List<ItemEvent> _waiting = [];
    bool _isAwaited, _ended;

    internal Watcher(Filter filter, bool bookmarks, Action<Watcher> leave) => (Filter, _bookmarks, _leave) = (filter, bookmarks, leave);

    /// <summary>A watch that is over before it began.</summary>
    internal static Watcher Failed(Filter filter, Status error)
    {
        var watcher = new Watcher(filter, false, static _ => { });
        watcher.End(error);
        return watcher;
    }

    public Filter Filter { get; }
    /// <summary>What is there already, to be sent as ADDED before anything else.</summary>
    internal IEnumerable<Item> Initial { get; set; } = [];
    /// <summary>Set when the watch ended with an error that the client is told.</summary>
    public Status? Error { get; private set; }
    /// <summary>Where the cache keeps it.</summary>
    internal object? Bucket { get; set; }

    /// <summary>How many events wait to be taken.</summary>
    public int Waiting
    {
        get { lock (_gate) return _waiting.Count; }
    }

    /// <summary>What the client has seen already: the cache may still be on its way there when the watch begins.</summary>
    internal long After { get; init; }

    /// <summary>An event of the cache, translated to what it means under the filter.</summary>
    internal void Offer(CacheEvent e)
    {
        if (e.Revision <= After) return;
        bool now = e.Type != EventType.Deleted && Filter.Matches(e.Item);
        bool before = e.Previous is not null && Filter.Matches(e.Previous);
        if (now) Enqueue(new(before ? EventType.Modified : EventType.Added, e.Item, e.Revision, Previous: before ? e.Previous : null));
        else if (before) Enqueue(new(EventType.Deleted, e.Type == EventType.Deleted ? e.Item : e.PreviousHere, e.Revision));
    }

    internal void OfferBookmark(long revision)
    {
        if (_bookmarks && revision >= After) Enqueue(new(EventType.Bookmark, null, revision));
    }

    internal void Enqueue(ItemEvent e)
    {
        lock (_gate)
        {
            if (_ended) return;
            if (_waiting.Count >= Bound)
            {
                // As upstream: a slow watcher's connection just ends; it resumes from its last resourceVersion.
                _waiting.Clear();
                EndLocked(null);
                return;
            }
            _waiting.Add(e);
            Wake();
        }
    }

    /// <summary>Ends the watch once what is waiting is taken.</summary>
    public void End(Status? error = null)
    {
        lock (_gate)
            if (!_ended) EndLocked(error);
    }

    void EndLocked(Status? error)
    {
        (_ended, Error) = (true, error);
        Wake();
    }

    void Wake()
    {
        if (!_isAwaited) return;
        _isAwaited = false;
        _signal.SetResult(true);
    }

    /// <summary>Exchanges an empty list for the events that wait. False when there will be none.</summary>
    public ValueTask<bool> TakeAsync(ref List<ItemEvent> events)
    {
        lock (_gate)
        {
            events.Clear();
            if (_waiting.Count > 0)
            {
                (_waiting, events) = (events, _waiting);
                return new(true);
            }
            if (_ended) return new(false);
            _signal.Reset();
            _isAwaited = true;
            return new(this, _signal.Version);
        }
    }

    public void Leave() => _leave(this);

    bool IValueTaskSource<bool>.GetResult(short token) => _signal.GetResult(token);
    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _signal.GetStatus(token);
    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _signal.OnCompleted(continuation, state, token, flags);
}

/// <summary>One change of the cache: what watchers are told and resumed from.</summary>
/// <param name="Item">After the change; of a delete, what was deleted at the revision of the delete.</param>
/// <param name="Previous">Before it; null of an addition.</param>
sealed record CacheEvent(EventType Type, Item Item, Item? Previous)
{
    Item? _previousHere;

    public long Revision => Item.Revision;
    /// <summary>The previous content at this revision, as clients are told whose selection it left.</summary>
    public Item PreviousHere => _previousHere ??= Previous!.At(Revision);
}
