using System.Text;
using Hanbae.Store.Watch;
using Microsoft.Extensions.Logging;

namespace Hanbae.Store.Sqlite;

/// <summary>Keeps the files small: copies the log back, forgets compacted revisions, gives pages back to the disk.</summary>
/// <remarks>
/// Runs on the writer's thread between groups, a little at a time. What a write superseded is named in its own row, so that compacting
/// costs by what was written since the last time, not by what is stored. Readers check <see cref="Oldest"/> after they read: it is raised
/// before the first row goes. What is forgotten is overwritten, in the file and by cutting the log: a Secret that was stored before somebody
/// turned on encryption must not lie about in free pages.
/// </remarks>
sealed partial class Upkeep : IDisposable
{
    /// <summary>Revisions swept, at least, and pages given back between two groups.</summary>
    const int StepSize = 500;
    /// <summary>Free pages that are kept for the next writes rather than given back.</summary>
    const long KeptFreePages = 2_000;

    readonly Connection _connection;
    readonly Fanout _fanout;
    readonly SqliteOptions _options;
    readonly Checkpointer _checkpointer;
    readonly Statement _superseding, _forgetRow, _forgetKey, _setMeta;
    readonly Lock _gate = new();
    readonly List<(Revision UpTo, TaskCompletionSource Done)> _callers = [];
    readonly List<(long Rev, long Prev, byte[]? DeletedKey)> _rows = [];
    long _oldest, _swept;
    bool _mayShrink = true, _toCut;
    volatile bool _stuck;

    public Upkeep(Connection connection, string path, Fanout fanout, SqliteOptions options)
    {
        (_connection, _fanout, _options) = (connection, fanout, options);
        _checkpointer = new(path, connection, options.CheckpointPages);
        _superseding = connection.Prepare("SELECT rev, prev, deleted, key FROM log WHERE rev > ?1 AND rev <= ?2 AND (prev > 0 OR deleted = 1) ORDER BY rev LIMIT ?3");
        _forgetRow = connection.Prepare("DELETE FROM log WHERE rev = ?1");
        _forgetKey = connection.Prepare("DELETE FROM keys WHERE key = ?1 AND rev = ?2");
        _setMeta = connection.Prepare("UPDATE meta SET value = ?2 WHERE name = ?1");
        _oldest = connection.Number("SELECT value FROM meta WHERE name = 'compacted'");
        _swept = connection.Number("SELECT value FROM meta WHERE name = 'swept'");
    }

    public Revision Oldest => new(Volatile.Read(ref _oldest));
    public bool HasWork => !_stuck && (_swept < Oldest.Value || _mayShrink);

    /// <summary>Ends when what is forgotten is off the file, too, and the room that nobody needs is given back.</summary>
    public Task CompactAsync(Revision before)
    {
        lock (_gate)
        {
            if (before > _fanout.Current) throw UnavailableException.Future(before, Oldest, _fanout.Current);
            if (before <= Oldest) return Task.CompletedTask;
            Volatile.Write(ref _oldest, before.Value);
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _callers.Add((before, done));
            _stuck = false;
            return done.Task;
        }
    }

    /// <param name="writes">How many were taken since the last step: twice as many revisions are swept, so that sweeping always gains on writing.</param>
    public void Step(int writes)
    {
        try
        {
            if (writes > 0) _stuck = false;
            _checkpointer.Step(_connection.TakePagesWritten());
            if (_fanout.Current.Value - Oldest.Value > _options.History + _options.History / 8) _ = CompactAsync(new(_fanout.Current.Value - _options.History));
            if (_swept < Oldest.Value) Sweep(Oldest.Value, Math.Max(StepSize, 2 * writes));
            else if (_mayShrink) Shrink();
            else if (_toCut) Cut();
        }
        catch (UnavailableException e)
        {
            // The disk is full, say. Nothing is lost, and it goes on after the next write or compaction.
            _connection.Rollback();
            Log.Stuck(_options.Logger, e);
            Tell(new(long.MaxValue), e);
            _stuck = true;
        }
    }

    public void Close(Exception why) => Tell(new(long.MaxValue), why);

    public void Dispose() => _checkpointer.Dispose();

    void Sweep(long target, int limit)
    {
        _rows.Clear();
        for (_superseding.Bind(1, _swept).Bind(2, target).Bind(3, limit); _superseding.Step();)
            _rows.Add((_superseding.Long(0), _superseding.Long(1), _superseding.Long(2) != 0 ? _superseding.Bytes(3).ToArray() : null));
        _superseding.Reset();
        long swept = _rows.Count < limit ? target : _rows[^1].Rev;

        _connection.Execute("BEGIN IMMEDIATE");
        foreach (var (rev, prev, deletedKey) in _rows)
        {
            if (prev > 0) _forgetRow.Bind(1, prev).Run();
            if (deletedKey is null) continue;
            _forgetRow.Bind(1, rev).Run();
            _forgetKey.BindText(1, deletedKey).Bind(2, rev).Run();
        }
        _setMeta.BindText(1, "compacted"u8).Bind(2, target).Run();
        _setMeta.BindText(1, "swept"u8).Bind(2, swept).Run();
        _connection.Execute("COMMIT");
        _swept = swept;
        _mayShrink = true;
    }

    void Shrink()
    {
        long free = _connection.Number("PRAGMA freelist_count");
        _mayShrink = free > KeptFreePages && free > _connection.Number("PRAGMA page_count") / 4;
        if (_mayShrink) _connection.Execute($"PRAGMA incremental_vacuum({StepSize})");
        else
        {
            Cut();
            Tell(new(_swept), null);
        }
    }

    /// <summary>The log has what was forgotten, too. While a reader is in it, it is tried again with each group of writes.</summary>
    void Cut() => _toCut = !_connection.CutLog();

    void Tell(Revision swept, Exception? failure)
    {
        lock (_gate)
        {
            foreach (var (_, done) in _callers.Where(c => c.UpTo <= swept))
                if (failure is null) done.TrySetResult(); else done.TrySetException(failure);
            _callers.RemoveAll(c => c.UpTo <= swept);
        }
    }

    static partial class Log
    {
        [LoggerMessage(2502, LogLevel.Warning, "What was compacted could not be taken off the file; it is tried again after the next write")]
        public static partial void Stuck(ILogger logger, Exception e);
    }
}
