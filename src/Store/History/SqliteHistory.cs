using System.Text;
using Hanbae.Store.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Store.History;

/// <summary>History in a file of its own beside the store: written a second's deeds at a time, so that a write costs it no disk of its own.</summary>
/// <remarks>Its file is not worth a start: a damaged one is moved away, and history begins anew.</remarks>
public sealed partial class SqliteHistory : IHistory
{
    public const string FileName = "history.db";

    const int ApplicationId = 0x48616E68; // "Hanh"
    const int Version = 2;
    /// <summary>How many deeds are looked at for their age after each group, at least; twice as many as came, so that the bounds hold however fast they come.</summary>
    const int SweepStep = 500;
    static readonly TimeSpan s_gather = TimeSpan.FromSeconds(1);

    readonly Connection _connection;
    readonly Statement _insert, _of, _count, _traces, _oldest, _forget;
    readonly HistoryLimits _limits;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Lock _gate = new();
    readonly SemaphoreSlim _file = new(1, 1);
    readonly CancellationTokenSource _stop = new();
    Queue<Deed> _waiting = [];
    Task? _writing;
    long _bytes;

    SqliteHistory(Connection connection, HistoryLimits limits, TimeProvider time, ILogger log)
    {
        (_connection, _limits, _time, _log) = (connection, limits, time, log);
        _insert = connection.Prepare("INSERT INTO deeds (key, rev, time, user, verb, manager, sub, replaced, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        _of = connection.Prepare("SELECT rev, time, user, verb, manager, sub, replaced, before FROM deeds WHERE key = ?1 ORDER BY id");
        _count = connection.Prepare("SELECT count(*) FROM deeds WHERE key = ?1");
        _traces = connection.Prepare("SELECT id, rev, replaced, sub = 'status', coalesce(length(before), 0) FROM deeds WHERE key = ?1 ORDER BY id");
        _oldest = connection.Prepare("SELECT id, time, coalesce(length(before), 0) FROM deeds ORDER BY id LIMIT ?1");
        _forget = connection.Prepare("DELETE FROM deeds WHERE id = ?1");
        _bytes = connection.Number("SELECT coalesce(sum(length(before)), 0) FROM deeds");
    }

    /// <exception cref="UnavailableException">The folder cannot be written to.</exception>
    public static SqliteHistory Open(string folder, HistoryLimits limits, TimeProvider time, ILogger? logger = null)
    {
        var log = logger ?? NullLogger.Instance;
        string path = Path.Combine(folder, FileName);
        try { return new(Prepare(path), limits, time, log); }
        catch (UnavailableException e) when (e.Reason == Unavailable.Damaged)
        {
            foreach (string file in (string[])[path, path + "-wal", path + "-shm"])
                if (File.Exists(file)) File.Move(file, file + ".damaged", overwrite: true);
            Log.Damaged(log, e, path);
            return new(Prepare(path), limits, time, log);
        }
    }

    static Connection Prepare(string path)
    {
        var connection = Connection.Open(path, create: true);
        try
        {
            // NORMAL: a power loss may take the newest deeds, never the file.
            // Large pages: a deed is most of a small one, and each page is written to the log and copied back by itself.
            connection.Execute("PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024; PRAGMA secure_delete=ON");
            if (connection.Number("SELECT count(*) FROM sqlite_master") == 0)
                connection.Execute($"""
                    BEGIN IMMEDIATE;
                    CREATE TABLE deeds (id INTEGER PRIMARY KEY, key TEXT NOT NULL, rev INTEGER NOT NULL, time INTEGER NOT NULL,
                        user TEXT NOT NULL, verb TEXT NOT NULL, manager TEXT NOT NULL, sub TEXT NOT NULL,
                        replaced INTEGER NOT NULL, before BLOB);
                    CREATE INDEX deeds_of ON deeds (key);
                    PRAGMA application_id={ApplicationId};
                    PRAGMA user_version={Version};
                    COMMIT;
                    """);
            if (connection.Number("PRAGMA application_id") != ApplicationId || connection.Number("PRAGMA user_version") != Version)
                throw SqliteFault.Damaged(path, "it is of another program or version");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Note(Deed deed)
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            if (_waiting.Count == _limits.Waiting) _waiting.Dequeue();
            _waiting.Enqueue(deed);
            _writing ??= WriteSoonAsync();
        }
    }

    async Task WriteSoonAsync()
    {
        await Task.Delay(s_gather, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await WriteAsync(CancellationToken.None).ConfigureAwait(false);
    }

    async Task WriteAsync(CancellationToken ct)
    {
        await _file.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            Queue<Deed> deeds;
            lock (_gate) (deeds, _waiting, _writing) = (_waiting, [], null);
            if (deeds.Count > 0) Write(deeds);
        }
        finally { _file.Release(); }
    }

    void Write(Queue<Deed> deeds)
    {
        long bytes = _bytes;
        try
        {
            _connection.Execute("BEGIN IMMEDIATE");
            foreach (var deed in deeds)
            {
                _insert.BindText(1, Utf8(deed.Key.Path)).Bind(2, deed.Revision.Value).Bind(3, deed.Time.ToUnixTimeMilliseconds())
                    .BindText(4, Utf8(deed.User)).BindText(5, Utf8(deed.Verb)).BindText(6, Utf8(deed.Manager)).BindText(7, Utf8(deed.Subresource))
                    .Bind(8, deed.Replaced.Value);
                byte[] before = deed.Before?.Stored() ?? [];
                _insert.BindBlob(9, before).Run();
                _bytes += before.Length;
            }
            foreach (var key in deeds.Select(d => d.Key).Distinct()) Trim(key);
            Sweep(Math.Max(SweepStep, 2 * deeds.Count));
            _connection.Execute("COMMIT; PRAGMA incremental_vacuum(200)");
        }
        catch (UnavailableException e)
        {
            Log.Lost(_log, e, deeds.Count);
            // A full disk, most likely: these deeds are lost, the writes they tell of are not.
            _connection.Rollback();
            _bytes = bytes;
        }
    }

    void Trim(Key key)
    {
        // Counting needs the index alone: most objects never have too many.
        byte[] path = Utf8(key.Path);
        bool many = _count.BindText(1, path).Step() && _count.Long(0) > _limits.KeepEach;
        _count.Reset();
        if (!many) return;
        List<(long Id, long Length)> rows = [];
        List<Surplus.Trace> traces = [];
        for (_traces.BindText(1, path); _traces.Step();)
        {
            rows.Add((_traces.Long(0), _traces.Long(4)));
            traces.Add(new(_traces.Long(1), _traces.Long(2), _traces.Long(3) != 0));
        }
        _traces.Reset();
        foreach (int i in Surplus.Of(traces, _limits.KeepEach)) Forget(rows[i].Id, rows[i].Length);
    }

    void Sweep(int most)
    {
        long tooOld = (_time.GetUtcNow() - _limits.KeepFor).ToUnixTimeMilliseconds();
        var going = new List<(long Id, long Length)>();
        long bytes = _bytes;
        for (_oldest.Bind(1, most); _oldest.Step() && (bytes > _limits.KeepBytes || _oldest.Long(1) < tooOld); bytes -= _oldest.Long(2)) going.Add((_oldest.Long(0), _oldest.Long(2)));
        _oldest.Reset();
        foreach (var (id, length) in going) Forget(id, length);
    }

    void Forget(long id, long length)
    {
        _forget.Bind(1, id).Run();
        _bytes -= length;
    }

    public async ValueTask<IReadOnlyList<Deed>> OfAsync(Key key, CancellationToken ct)
    {
        await WriteAsync(ct).ConfigureAwait(false);
        await _file.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var found = new List<Deed>();
            for (_of.BindText(1, Utf8(key.Path)); _of.Step();)
                found.Add(new(key, new(_of.Long(0)), DateTimeOffset.FromUnixTimeMilliseconds(_of.Long(1)), Text(2), Text(3), Text(4), Text(5),
                    new(_of.Long(6)), _of.Bytes(7) is { IsEmpty: false } before ? new StoredVersion(before.ToArray()) : null));
            return found;
        }
        finally
        {
            _of.Reset();
            _file.Release();
        }
    }

    string Text(int column) => Encoding.UTF8.GetString(_of.Bytes(column));

    static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    public async ValueTask DisposeAsync()
    {
        Task? writing;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            _stop.Cancel();
            writing = _writing;
        }
        if (writing is not null) await writing.ConfigureAwait(false);
        await WriteAsync(CancellationToken.None).ConfigureAwait(false);
        _connection.Dispose();
        _stop.Dispose();
        _file.Dispose();
    }

    static partial class Log
    {
        [LoggerMessage(2504, LogLevel.Warning, "{Deeds} changes are missing in the history, which could not be written; the changes themselves are kept")]
        public static partial void Lost(ILogger logger, Exception e, int deeds);

        [LoggerMessage(2505, LogLevel.Warning, "The history in {File} is damaged: it was moved away, with the ending .damaged, and begins anew")]
        public static partial void Damaged(ILogger logger, Exception e, string file);
    }
}
