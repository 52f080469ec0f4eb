using System.Runtime.CompilerServices;

namespace Hanbae.Store.Watch;

/// <summary>The written past that a watch begins with.</summary>
interface IChangeLog
{
    /// <summary>The changes of a range after one revision up to another, at most <paramref name="limit"/>.</summary>
    /// <exception cref="CompactedException"><paramref name="after"/> is older than the oldest kept revision.</exception>
    List<Change> ReadChanges(KeyRange range, Revision after, Revision upTo, int limit);
}

/// <summary>Joins a log and a fan-out to one watch without a gap or a duplicate.</summary>
/// <remarks>
/// History is read before the watcher joins, so that long replays do not fill its buffer; what was written meanwhile is read after it
/// joined, up to exactly where its buffer begins.
/// </remarks>
static class Feed
{
    /// <summary>How many changes of history are held at once.</summary>
    const int Chunk = 500;

    public static async IAsyncEnumerable<Change> WatchAsync(IChangeLog log, Fanout fanout, KeyRange range, Revision after, [EnumeratorCancellation] CancellationToken ct)
    {
        var begun = fanout.Current;
        foreach (var change in Replay(log, range, after, begun, ct)) yield return change;
        if (after < begun) after = begun;

        var watcher = fanout.Join(range);
        try
        {
            foreach (var change in Replay(log, range, after, watcher.Joined, ct)) yield return change;
            if (after <= watcher.Joined) yield return Change.Progress(after = watcher.Joined);

            while (await watcher.Buffer.WaitToReadAsync(ct).ConfigureAwait(false))
            {
                do
                {
                    // Taken before draining: what it speaks for is then among what is drained.
                    var owed = watcher.TakeOwed();
                    while (watcher.Buffer.TryRead(out var change))
                    {
                        // A watch may begin in the future; and a list may have seen what watchers had not been told yet.
                        if (change.Revision <= after) continue;
                        ct.ThrowIfCancellationRequested();
                        yield return change;
                        after = change.Revision;
                    }
                    if (owed > after) yield return Change.Progress(after = owed);
                }
                while (watcher.Owes);
            }
        }
        finally
        {
            fanout.Leave(watcher);
        }
    }

    static IEnumerable<Change> Replay(IChangeLog log, KeyRange range, Revision after, Revision upTo, CancellationToken ct)
    {
        List<Change> changes;
        do
        {
            ct.ThrowIfCancellationRequested();
            changes = log.ReadChanges(range, after, upTo, Chunk);
            foreach (var change in changes) yield return change;
            if (changes.Count > 0) after = changes[^1].Revision;
        }
        while (changes.Count == Chunk);
    }
}
