using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Store.Sqlite;

/// <summary>Where an embedded store lives and what bounds it.</summary>
public sealed record SqliteOptions
{
    /// <summary>The data folder; made when absent. One process at a time has it open.</summary>
    public required string Folder { get; init; }
    /// <summary>The store compacts itself rather than keep more revisions than this; the server compacts sooner, as upstream every five minutes.</summary>
    public int History { get; init; } = 100_000;
    /// <summary>A watcher with more changes than this waiting is ended.</summary>
    public int WatchBuffer { get; init; } = 10_000;
    /// <summary>More writes than this waiting are refused; the number of etcd's gap between commit and apply.</summary>
    public int MaxWaitingWrites { get; init; } = 5_000;
    /// <summary>The write-ahead log is copied into the file when it is so many 4 KiB pages long.</summary>
    public int CheckpointPages { get; init; } = 2_000;
    /// <summary>Files up to this size are checked page by page when opened; larger ones only where they are read.</summary>
    public long MaxBytesToVerify { get; init; } = 16 << 20;
    /// <summary>The file does not grow beyond so many 4 KiB pages; 0 for as far as the disk goes.</summary>
    public long MaxPages { get; init; }
    /// <summary>Hears of groups that failed, of upkeep that is stuck and of a writer that stopped.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
