namespace Hanbae.Store;

/// <summary>All that can go wrong with a store: compacted or unavailable. Conflicts are not exceptions.</summary>
public abstract class StoreException(string message, Revision oldest, Revision current, Exception? inner) : Exception(message, inner)
{
    /// <summary>The oldest revision that can be listed at or watched after, as far as known.</summary>
    public Revision Oldest { get; } = oldest;
    /// <summary>The newest revision, as far as known.</summary>
    public Revision Current { get; } = current;
}

/// <summary>The asked revision is history that was forgotten: list again. On the wire 410 Gone.</summary>
public sealed class CompactedException(Revision asked, Revision oldest, Revision current)
    : StoreException($"revision {asked} has been compacted: the oldest is {oldest}, the newest {current}", oldest, current, null)
{
    public Revision Asked { get; } = asked;
}

public enum Unavailable
{
    /// <summary>The store was closed.</summary>
    Closed,
    /// <summary>No room on the disk; works again once there is.</summary>
    DiskFull,
    /// <summary>Another process has the data folder open.</summary>
    InUse,
    /// <summary>What is on the disk is not, or no longer, a store.</summary>
    Damaged,
    /// <summary>More writes are waiting than the store lets wait.</summary>
    Overloaded,
    /// <summary>The watcher fell behind by more than its bound; watch again after the last seen revision.</summary>
    SlowWatcher,
    /// <summary>The asked revision is yet to come.</summary>
    FutureRevision,
    /// <summary>The value is there and cannot be decrypted; the message names the key and says why.</summary>
    Unreadable,
    /// <summary>Reading or writing failed otherwise; the message says how.</summary>
    Failed,
}

/// <summary>The store cannot do it now. A write that ends so was not acknowledged.</summary>
public sealed class UnavailableException(Unavailable reason, string message, Revision oldest = default, Revision current = default, Exception? inner = null)
    : StoreException(message, oldest, current, inner)
{
    public Unavailable Reason { get; } = reason;

    internal static UnavailableException Closed(Revision oldest = default, Revision current = default) =>
        new(Unavailable.Closed, "the store is closed", oldest, current);

    internal static UnavailableException Future(Revision asked, Revision oldest, Revision current) =>
        new(Unavailable.FutureRevision, $"revision {asked} is yet to come: the newest is {current}", oldest, current);
}
