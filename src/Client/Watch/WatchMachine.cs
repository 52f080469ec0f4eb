using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>What the follower of a resource has to do next.</summary>
public abstract record WatchStep
{
    /// <summary>Ask for a list.</summary>
    public sealed record List(ListQuery Query) : WatchStep;
    /// <param name="InitialEvents">The watch is to begin with what there is.</param>
    public sealed record Watch(string ResourceVersion, bool InitialEvents) : WatchStep;
    /// <summary>Wait, and then go on.</summary>
    public sealed record Pause(TimeSpan Delay, WatchStep Then) : WatchStep;
}

/// <summary>Decides how to follow a resource: list, watch, and what to do about everything that can go wrong. No I/O, no clock.</summary>
/// <remarks>
/// As client-go's reflector, but for the first list: it is the most recent one, as client-go's is where lists come as watches, since whoever
/// starts again must see what it did before. Later ones may not be older than what was seen; a revision the server no longer, or not yet,
/// has means the most recent list, in pages. A watch that breaks goes on from the last
/// revision seen, bookmarks included. Whatever fails waits before it is tried again, except one relist after an expired watch.
/// </remarks>
/// <param name="query">Namespace and selectors; the rest is decided here.</param>
public sealed class WatchMachine(ListQuery query, WatchOptions options, Backoff backoff, Action<SyncEvent> emit)
{
    const string InitialEventsEnd = "k8s.io/initial-events-end";

    bool _initialEvents = options.InitialEvents;
    bool _mostRecent;
    bool _whole;
    bool _interrupted;
    bool _relisted;
    int _events;

    /// <summary>What is to be done now; one of the <c>On…</c> says how it went.</summary>
    public WatchStep Next { get; private set; } = options.InitialEvents
        ? new WatchStep.Watch("", InitialEvents: true)
        : new WatchStep.List(query with { ResourceVersion = "" });

    /// <summary>The newest revision that was seen; empty before the first list is complete.</summary>
    public string ResourceVersion { get; private set; } = "";

    /// <summary>A list, or a page of one, has come.</summary>
    public void OnPage(ApiList page)
    {
        var asked = ((WatchStep.List)Next).Query;
        if (page.Metadata.Continue.Length == 0 && page.Metadata.ResourceVersion.Length == 0)
        {
            OnFailure(new InvalidDataException("the server sent a list without resourceVersion"));
            return;
        }
        if (asked.Continue.Length == 0) emit(new(SyncKind.Init));
        foreach (var item in page.Items) emit(new(SyncKind.InitItem, item));
        if (page.Metadata.Continue.Length > 0)
        {
            Next = new WatchStep.List(asked with { Continue = page.Metadata.Continue });
            return;
        }
        Listed(page.Metadata.ResourceVersion);
        Next = WatchOn();
    }

    /// <summary>The watch is open: with initial events, what was gathered before is void.</summary>
    public void OnOpened()
    {
        _events = 0;
        if (Next is WatchStep.Watch { InitialEvents: true }) emit(new(SyncKind.Init));
        else Resume();
    }

    void Resume()
    {
        if (_interrupted) emit(new(SyncKind.Resumed));
        _interrupted = false;
    }

    void Interrupt()
    {
        // Who has seen nothing yet waits for the first list anyway.
        if (!_interrupted && ResourceVersion.Length > 0) emit(new(SyncKind.Interrupted));
        _interrupted = ResourceVersion.Length > 0;
    }

    /// <summary>The open watch told something.</summary>
    public void OnEvent(ApiEvent e)
    {
        bool initial = Next is WatchStep.Watch { InitialEvents: true };
        string version = e.Object.Metadata.ResourceVersion;
        _events++;
        _relisted = false;
        // A watch only ever goes forward (KEP-5504: revisions of one resource can be compared): this was told before, or overtaken. Deletions
        // are the cache's to judge, since some servers send them with the revision of the last change.
        bool old = !initial && !SyncEvent.IsNewer(version, ResourceVersion);
        if (old && e.Type is ("ADDED" or "MODIFIED")) return;
        switch (e.Type)
        {
            case "ADDED" or "MODIFIED":
                emit(new(initial ? SyncKind.InitItem : SyncKind.Applied, e.Object));
                break;
            case "DELETED":
                emit(new(SyncKind.Deleted, e.Object));
                break;
            case "BOOKMARK":
                if (!initial)
                {
                    if (!old) emit(new(SyncKind.Progress, null, version));
                    break;
                }
                if (e.Object.Metadata.Annotations[InitialEventsEnd] != "true") return;
                Listed(version);
                // The same watch goes on: the step changes, the stream does not.
                Next = WatchOn();
                return;
            default:
                throw new InvalidDataException("unknown watch event " + e.Type);
        }
        // Initial events come in any order: their revisions say nothing until the bookmark.
        if (!initial && !old && version.Length > 0) ResourceVersion = version;
    }

    /// <summary>The server ended the watch in good order.</summary>
    public void OnClosed()
    {
        // One that brought nothing, not even a bookmark, must not be opened again at once for ever.
        if (_events > 0 && Next is not WatchStep.Watch { InitialEvents: true }) { Next = WatchOn(); return; }
        Interrupt();
        Next = After(Next);
    }

    /// <summary>What was to be done failed; what now depends on how.</summary>
    public void OnFailure(Exception error)
    {
        var status = error as ApiException;
        Interrupt();
        Next = Next switch
        {
            WatchStep.List { Query: var asked } when status is { IsExpired: true } || IsFuture(status) => Relist(asked),
            WatchStep.Watch { InitialEvents: true } when status is { Code: 400 or 403 or 404 or 422 } => WithoutInitialEvents(),
            WatchStep.Watch { InitialEvents: true } => After(Next),
            WatchStep.Watch when status is { IsExpired: true } => AtOnce() ? FromStart() : After(FromStart()),
            // A server that is busy or away, or a line that broke: nothing is lost yet.
            WatchStep.Watch when status is { Code: 429 or 500 or 502 or 503 } or null && error is not (InvalidDataException or Api.Codec.DecodeException) => After(WatchOn()),
            WatchStep.Watch => After(FromStart()),
            _ => After(Next),
        };
    }

    /// <summary>The wait is over.</summary>
    public void OnPaused() => Next = ((WatchStep.Pause)Next).Then;

    void Listed(string version)
    {
        (ResourceVersion, _mostRecent, _whole) = (version, false, false);
        emit(new(SyncKind.InitDone, null, version));
        Resume();
        _events = 0;
    }

    /// <summary>A watch that expires right after the list that was to mend that is not mended by another.</summary>
    bool AtOnce()
    {
        bool first = _events > 0 || !_relisted;
        _relisted = true;
        return first;
    }

    WatchStep Relist(ListQuery asked)
    {
        // Most recent already, and in one piece: there is nothing better to ask for.
        if (_mostRecent && _whole) return After(FromStart());
        _whole = asked.Continue.Length > 0 || _mostRecent;
        _mostRecent = true;
        return FromStart();
    }

    WatchStep WithoutInitialEvents()
    {
        _initialEvents = false;
        return FromStart();
    }

    WatchStep FromStart()
    {
        if (_initialEvents) return new WatchStep.Watch("", InitialEvents: true);
        string version = _mostRecent ? "" : ResourceVersion;
        // Only what had to be asked for again is paged: the others come from the server's memory, at once.
        return new WatchStep.List(query with { ResourceVersion = version, Limit = _mostRecent && !_whole ? options.PageSize : 0 });
    }

    WatchStep.Watch WatchOn() => new(ResourceVersion, InitialEvents: false);

    WatchStep.Pause After(WatchStep then) => new(backoff.Next(), then);

    /// <summary>The server has not come as far as the revision asked for: another server, or one that lost its data.</summary>
    static bool IsFuture(ApiException? e) => e is { Code: 504 } && (e.Status.Details?.Causes.Exists(c => c.Reason == "ResourceVersionTooLarge") ?? false);
}

/// <summary>How a resource is followed.</summary>
public sealed record WatchOptions
{
    /// <summary>Lists in pages of 500, watches of five to ten minutes.</summary>
    public static WatchOptions Default { get; } = new();

    /// <summary>Objects in a page of a most recent list.</summary>
    public int PageSize { get; init; } = 500;
    /// <summary>Streams the first list as watch events (KEP-3157): less memory at both ends of a wire. Falls back to lists.</summary>
    public bool InitialEvents { get; init; }
    /// <summary>The server is asked to end a watch after this, or up to twice as long, so that watches spread over servers.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);
}
