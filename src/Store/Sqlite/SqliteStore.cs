using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hanbae.Store.Watch;
using Microsoft.Extensions.Logging;

namespace Hanbae.Store.Sqlite;

/// <summary>The embedded store: one SQLite file that keeps every acknowledged write through a power loss.</summary>
/// <remarks>Holds no values in memory, and no keys: 8 MiB of page cache for the writer, 1 MiB per reader. Reads run on the caller's thread.</remarks>
public sealed partial class SqliteStore : IStore, IChangeLog
{
    /// <summary>How many entries <see cref="ReadAsync"/> hands out at once.</summary>
    const int PageSize = 1000;
    /// <summary>Reading connections that are kept open when nobody reads.</summary>
    const int IdleReaders = 8;

    readonly DataFolder _folder;
    readonly ILogger _log;
    readonly WriteQueue _queue;
    readonly Fanout _fanout;
    readonly Upkeep _upkeep;
    readonly Thread _thread;
    readonly ConcurrentBag<Reader> _readers = [];
    readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile bool _closed;

    SqliteStore(DataFolder folder, Connection connection, SqliteOptions options)
    {
        long newest = connection.Number("SELECT max(coalesce((SELECT max(rev) FROM log), 0), (SELECT value FROM meta WHERE name = 'compacted'))");
        (_folder, _log) = (folder, options.Logger);
        _queue = new(options.MaxWaitingWrites);
        _fanout = new(new(newest), options.WatchBuffer);
        _upkeep = new(connection, folder.Database, _fanout, options);
        var writer = new Writer(connection, _queue, _fanout, _upkeep, options.Logger);
        _thread = new Thread(() => Run(writer)) { IsBackground = true, Name = "store writer" };
        _thread.Start();
    }

    /// <summary>Opens the store of a folder, or makes one.</summary>
    /// <exception cref="UnavailableException">In use, damaged, or not to be opened: the message names the file and the way out.</exception>
    public static SqliteStore Open(SqliteOptions options)
    {
        var folder = DataFolder.Take(options.Folder);
        Connection? connection = null;
        try
        {
            connection = Schema.OpenOrCreate(folder.Database, options);
            return new(folder, connection, options);
        }
        catch
        {
            connection?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    public ValueTask<Entry?> GetAsync(Key key, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return new(Read(null, (reader, at) => reader.Get(key, at)));
    }

    public ValueTask<Page> ListAsync(KeyRange range, Revision? at, int limit, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return new(Read(at, (reader, when) => reader.List(range, when, limit, count: true)));
    }

    public async IAsyncEnumerable<Page> ReadAsync(KeyRange range, Revision? at, [EnumeratorCancellation] CancellationToken ct)
    {
        Page page;
        do
        {
            ct.ThrowIfCancellationRequested();
            var rest = range;
            page = Read(at, (reader, when) => reader.List(rest, when, PageSize, count: false));
            yield return page;
            at = page.Revision;
            if (page.More) range = range.After(page.Entries[^1].Key);
            // A whole cluster is read at start: let others have the thread in between.
            await Task.Yield();
        }
        while (page.More);
    }

    public ValueTask<PutResult> PutIfAsync(Key key, ReadOnlyMemory<byte> value, Revision expected, CancellationToken ct)
    {
        StoreLimits.Check(value);
        ct.ThrowIfCancellationRequested();
        var write = new Write(key, value, isDelete: false, expected, ct);
        _queue.Add(write);
        return write.AsPut();
    }

    public ValueTask<DeleteResult> DeleteIfAsync(Key key, Revision expected, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var write = new Write(key, default, isDelete: true, expected, ct);
        _queue.Add(write);
        return write.AsDelete();
    }

    public IAsyncEnumerable<Change> WatchAsync(KeyRange range, Revision after, CancellationToken ct) => Feed.WatchAsync(this, _fanout, range, after, ct);

    public ValueTask<Revision> CurrentAsync(CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return _closed ? throw Closed() : new(_fanout.Current);
    }

    public ValueTask RequestProgressAsync(KeyRange range, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _fanout.Progress(range);
        return default;
    }

    public async ValueTask CompactAsync(Revision before, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (_closed) throw Closed();
        var swept = _upkeep.CompactAsync(before);
        _queue.Wake();
        await swept.WaitAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Writes a copy of the store as of now to a new file, while everything goes on.</summary>
    public Task BackupAsync(string path, CancellationToken ct) => _closed ? throw Closed() : Backup.WriteAsync(_folder.Database, path, ct);

    /// <summary>Ends when the writes that wait are on the disk.</summary>
    public async ValueTask DisposeAsync()
    {
        _closed = true;
        _queue.Close(Closed());
        await _stopped.Task.ConfigureAwait(false);
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _folder.Dispose();
    }

    List<Change> IChangeLog.ReadChanges(KeyRange range, Revision after, Revision upTo, int limit) =>
        after >= upTo && after >= _upkeep.Oldest ? _closed ? throw Closed() : [] : Read(after, (reader, _) => reader.Changes(range, after, upTo, limit), mayBeFuture: true);

    void Run(Writer writer)
    {
        Exception why = Closed();
        try
        {
            writer.Run();
        }
        catch (Exception e)
        {
            // Nothing that the writer knows how to live with: no more writes, and everybody hears why.
            why = new UnavailableException(Unavailable.Failed, $"the store stopped: {e.Message}", _upkeep.Oldest, _fanout.Current, e);
            _closed = true;
            Log.Stopped(_log, e, _folder.Database);
        }
        _queue.Close(why);
        List<Write> left = [];
        _queue.Take(ref left, wait: false);
        foreach (var write in left) write.Fail(why);
        _upkeep.Close(why);
        _fanout.Close(why);
        _upkeep.Dispose();
        writer.Dispose();
        _stopped.SetResult();
    }

    /// <summary>Reads at a revision, and is sure afterwards that nothing of it had been compacted.</summary>
    T Read<T>(Revision? at, Func<Reader, Revision, T> read, bool mayBeFuture = false)
    {
        while (true)
        {
            if (_closed) throw Closed();
            var when = at ?? _fanout.Current;
            if (when > _fanout.Current && !mayBeFuture) throw UnavailableException.Future(when, _upkeep.Oldest, _fanout.Current);
            if (when < _upkeep.Oldest) throw new CompactedException(when, _upkeep.Oldest, _fanout.Current);

            var reader = _readers.TryTake(out var idle) ? idle : new Reader(_folder.Database);
            bool kept = false;
            T result;
            try
            {
                result = read(reader, when);
                if (kept = !_closed && _readers.Count < IdleReaders) _readers.Add(reader);
            }
            finally
            {
                if (!kept) reader.Dispose();
            }
            if (when >= _upkeep.Oldest) return result;
        }
    }

    UnavailableException Closed() => UnavailableException.Closed(_upkeep.Oldest, _fanout.Current);

    static partial class Log
    {
        [LoggerMessage(2503, LogLevel.Critical, "The store in {File} stopped: nothing more is written until the process is started again")]
        public static partial void Stopped(ILogger logger, Exception e, string file);
    }
}
