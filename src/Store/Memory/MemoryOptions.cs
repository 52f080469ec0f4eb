namespace Hanbae.Store.Memory;

/// <summary>How much past a memory store keeps, and how far its watchers may fall behind.</summary>
public sealed record MemoryOptions
{
    /// <summary>The past is at most so many revisions, compacted or not.</summary>
    public int History { get; init; } = 10_000;
    /// <summary>A watcher with more changes than this waiting is ended.</summary>
    public int WatchBuffer { get; init; } = 10_000;
}
