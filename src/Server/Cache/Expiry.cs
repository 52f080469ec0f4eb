using Hanbae.Api.Core.V1;
using Hanbae.Server.Registry;
using Hanbae.Store;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Cache;

/// <summary>Takes Events away an hour after their last write, as upstream's leases in etcd do (<c>--event-ttl</c>).</summary>
/// <remarks>
/// Revisions rise with time, so it is enough to remember at each round how far they had come: what is not newer than that revision once the
/// time is over has not been written since. Only what was there at the start is asked when it was last seen.
/// </remarks>
sealed partial class Expiry(StoredResource events, TimeSpan ttl, TimeProvider time, ILogger log)
{
    /// <summary>Deletions under way at once, which the store commits together.</summary>
    const int AtOnce = 100;

    readonly Queue<(DateTimeOffset At, long Revision)> _marks = [];
    PriorityQueue<Item, DateTimeOffset>? _fromBefore;

    public async Task RunAsync(CancellationToken ct)
    {
        if (ttl <= TimeSpan.Zero) return;
        // A twentieth: nobody has them much longer than said.
        using var timer = new PeriodicTimer(ttl / 20, time);
        while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false))
            try { await RoundAsync(ct).ConfigureAwait(false); }
            catch (StoreException e) { Log.Failed(log, e); }
    }

    /// <summary>One round: takes away what has been there for long enough.</summary>
    internal async Task RoundAsync(CancellationToken ct)
    {
        var state = await events.Cache.CurrentAsync(ct).ConfigureAwait(false);
        var now = time.GetUtcNow();
        _fromBefore ??= Old(state.All);
        _marks.Enqueue((now, state.Revision));
        var over = new List<Item>();
        while (_fromBefore.TryPeek(out var item, out var due) && due <= now)
        {
            _fromBefore.Dequeue();
            if (state.All.Find(item.Key)?.Revision == item.Revision) over.Add(item);
        }
        long? bound = null;
        while (_marks.TryPeek(out var mark) && mark.At <= now - ttl) bound = _marks.Dequeue().Revision;
        if (bound is { } last)
            foreach (var item in state.All.Between("", ""))
                if (item.Revision <= last) over.Add(item);
        foreach (var some in over.Chunk(AtOnce)) await Task.WhenAll(some.Select(item => events.ExpireAsync(item, ct))).ConfigureAwait(false);
    }

    PriorityQueue<Item, DateTimeOffset> Old(Sorted items)
    {
        var old = new PriorityQueue<Item, DateTimeOffset>();
        foreach (var item in items.Between("", "")) old.Enqueue(item, LastSeen((Event)item.Object) + ttl);
        return old;
    }

    static DateTimeOffset LastSeen(Event e)
    {
        var last = e.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue;
        foreach (var at in (ReadOnlySpan<DateTimeOffset?>)[e.LastTimestamp, e.EventTime, e.Series?.LastObservedTime])
            if (at > last) last = at.Value;
        return last;
    }

    static partial class Log
    {
        [LoggerMessage(2022, LogLevel.Warning, "Old Events could not be taken away; it is tried again")]
        public static partial void Failed(ILogger logger, Exception e);
    }
}
