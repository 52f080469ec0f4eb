namespace Hanbae.Store;

/// <summary>Keys with revisions: all that Kubernetes asks of etcd.</summary>
/// <remarks>
/// A write that returned is durable. Revisions grow by one per write and are shared by all keys; a new store is at revision 1, as etcd is,
/// because "0" means something else in a resourceVersion. Values are shared, never copied: whoever hands one in must not change it afterwards.
/// Faults are <see cref="CompactedException"/> and <see cref="UnavailableException"/>, nothing else; conflicts are values.
/// Cancelling a write that the store has begun does not undo it.
/// </remarks>
public interface IStore : IAsyncDisposable
{
    /// <summary>The entry as of the newest write, null when there is none.</summary>
    ValueTask<Entry?> GetAsync(Key key, CancellationToken ct);

    /// <summary>One page of a range in key order. The next one is the same call with <see cref="KeyRange.After"/> the last key, at <see cref="Page.Revision"/>.</summary>
    /// <param name="at">Null for the newest revision.</param>
    /// <param name="limit">At most so many entries; 0 for all.</param>
    /// <exception cref="CompactedException"><paramref name="at"/> is older than the oldest kept revision.</exception>
    /// <exception cref="UnavailableException">With <see cref="Unavailable.FutureRevision"/> when <paramref name="at"/> is yet to come.</exception>
    ValueTask<Page> ListAsync(KeyRange range, Revision? at, int limit, CancellationToken ct);

    /// <summary>A whole range at one revision in pages, for filling a cache: the pages do not count what remains.</summary>
    /// <exception cref="CompactedException">The revision was compacted before the last page was read.</exception>
    IAsyncEnumerable<Page> ReadAsync(KeyRange range, Revision? at, CancellationToken ct);

    /// <param name="expected">The revision that the key must be at; <see cref="Revision.None"/> when it must not exist.</param>
    /// <returns>The new entry, or the entry that is in the way: conflicts are values, not exceptions.</returns>
    /// <exception cref="ValueTooLargeException">The value is larger than <see cref="StoreLimits.MaxValueBytes"/>.</exception>
    ValueTask<PutResult> PutIfAsync(Key key, ReadOnlyMemory<byte> value, Revision expected, CancellationToken ct);

    /// <param name="expected">The revision that the key must be at.</param>
    /// <returns>The deleted entry, or the entry that is in the way.</returns>
    ValueTask<DeleteResult> DeleteIfAsync(Key key, Revision expected, CancellationToken ct);

    /// <summary>Every change after <paramref name="after"/>, in order, once; ends with <see cref="CompactedException"/> rather than skip one.</summary>
    /// <remarks>
    /// A <see cref="ChangeKind.Progress"/> follows the changes that were history when the watch began, then one per <see cref="RequestProgressAsync"/>
    /// that has news. A watcher that falls behind by more than its bound gets what is buffered and then <see cref="UnavailableException"/>
    /// with <see cref="Unavailable.SlowWatcher"/>; it may watch again after the last revision that it saw.
    /// </remarks>
    IAsyncEnumerable<Change> WatchAsync(KeyRange range, Revision after, CancellationToken ct);

    /// <summary>The revision of the newest write: whoever has seen it has seen all that was acknowledged before this call.</summary>
    ValueTask<Revision> CurrentAsync(CancellationToken ct);

    /// <summary>Asks the watches that overlap <paramref name="range"/> to say how far they are, when nothing in their range says it.</summary>
    /// <remarks>What a cache does before a consistent read, and a server before it sends bookmarks. Costs a wake-up per watch that lags.</remarks>
    ValueTask RequestProgressAsync(KeyRange range, CancellationToken ct);

    /// <summary>Forgets what was superseded before <paramref name="before"/>: it becomes the oldest revision that can be listed at or watched after.</summary>
    /// <remarks>An older revision than the oldest kept one changes nothing.</remarks>
    ValueTask CompactAsync(Revision before, CancellationToken ct);
}
