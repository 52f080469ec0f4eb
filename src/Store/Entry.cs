namespace Hanbae.Store;

/// <summary>A key's value at a revision.</summary>
public sealed record Entry(Key Key, ReadOnlyMemory<byte> Value, Revision ModRevision, Revision CreateRevision);

/// <summary>Some entries of a range, in key order, all as of one revision.</summary>
/// <param name="Revision">The one that was asked for, or else the newest.</param>
/// <param name="More">Whether the range goes on behind the last entry.</param>
/// <param name="Remaining">How many entries are behind the last one; null when nobody counted.</param>
public sealed record Page(IReadOnlyList<Entry> Entries, Revision Revision, bool More, long? Remaining);

/// <summary>How a put ended.</summary>
/// <param name="Entry">The new entry; or the one that is in the way, null when an expected key does not exist.</param>
public readonly record struct PutResult(bool Succeeded, Entry? Entry);

/// <summary>How a delete ended.</summary>
/// <param name="Entry">The deleted entry; or the one that is in the way, null when there is none.</param>
/// <param name="Revision">That of the delete itself; <see cref="Revision.None"/> when nothing was deleted.</param>
public readonly record struct DeleteResult(bool Succeeded, Entry? Entry, Revision Revision);
