using System.Runtime.InteropServices;
using System.Text;
using Hanbae.Store.Watch;
using Microsoft.Extensions.Logging;

namespace Hanbae.Store.Sqlite;

/// <summary>The one thread that writes: all writes waiting at the moment share one transaction and one fsync.</summary>
/// <remarks>
/// In order: decide and write the group, commit (the log is on the disk then), tell the watchers, tell the callers, tidy up. Whatever fails
/// before the commit fails the whole group and leaves no trace, because a later member may have been decided by an earlier one.
/// </remarks>
sealed partial class Writer : IDisposable
{
    /// <summary>A group's values beyond this go into the next one: it bounds how far one transaction stretches the log.</summary>
    const long MaxGroupBytes = 16 << 20;

    readonly Connection _connection;
    readonly WriteQueue _queue;
    readonly Fanout _fanout;
    readonly Upkeep _upkeep;
    readonly ILogger _log;
    readonly Statement _begin, _commit, _find, _value, _append, _setKey;
    readonly List<Change> _changes = [];
    readonly byte[] _utf8 = new byte[StoreLimits.MaxKeyLength * 3];
    Revision _next;

    public Writer(Connection connection, WriteQueue queue, Fanout fanout, Upkeep upkeep, ILogger log)
    {
        (_connection, _queue, _fanout, _upkeep, _log, _next) = (connection, queue, fanout, upkeep, log, fanout.Current.Next);
        _begin = connection.Prepare("BEGIN IMMEDIATE");
        _commit = connection.Prepare("COMMIT");
        _find = connection.Prepare("SELECT rev, created, deleted FROM keys WHERE key = ?1");
        _value = connection.Prepare("SELECT value FROM log WHERE rev = ?1");
        _append = connection.Prepare("INSERT INTO log (rev, prev, created, deleted, key, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _setKey = connection.Prepare("INSERT INTO keys (rev, created, deleted, key) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET rev = ?1, created = ?2, deleted = ?3");
    }

    /// <summary>Until the queue is closed and empty.</summary>
    public void Run()
    {
        List<Write> taken = [];
        while (_queue.Take(ref taken, wait: !_upkeep.HasWork))
        {
            for (int from = 0; from < taken.Count;) from += Commit(taken, from);
            _upkeep.Step(taken.Count);
            taken.Clear();
        }
    }

    public void Dispose() => _connection.Dispose();

    /// <returns>How many writes the group took.</returns>
    int Commit(List<Write> writes, int from)
    {
        var next = _next;
        int to = from;
        try
        {
            _begin.Run();
            for (long bytes = 0; to < writes.Count && (bytes += writes[to].Value.Length) <= MaxGroupBytes;) Decide(writes[to++]);
            _commit.Run();
        }
        catch (Exception e)
        {
            _connection.Rollback();
            _next = next;
            _changes.Clear();
            to = Math.Max(to, from + 1);
            var why = e as UnavailableException ?? new UnavailableException(Unavailable.Failed, $"the write failed: {e.Message}", inner: e);
            Log.GroupFailed(_log, why, to - from);
            for (int i = from; i < to; i++) writes[i].Fail(why);
            return to - from;
        }
        _fanout.Publish(CollectionsMarshal.AsSpan(_changes));
        _changes.Clear();
        Answers.Give(CollectionsMarshal.AsSpan(writes)[from..to]);
        return to - from;
    }

    void Decide(Write write)
    {
        if (write.Ct.IsCancellationRequested) return;
        var key = _utf8.AsSpan(0, Encoding.UTF8.GetBytes(write.Key.Path, _utf8));
        bool known = _find.BindText(1, key).Step();
        var (at, created, gone) = known ? (new Revision(_find.Long(0)), new Revision(_find.Long(1)), _find.Long(2) != 0) : (default, default, true);
        _find.Reset();

        if ((gone ? Revision.None : at) != write.Expected || (write.IsDelete && gone))
        {
            write.Decided = new(false, gone ? null : new(write.Key, Value(at), at, created), Revision.None);
            return;
        }

        var revision = _next;
        if (write.IsDelete)
        {
            var was = new Entry(write.Key, Value(at), at, created);
            write.Decided = new(true, was, revision);
            _changes.Add(Change.Delete(was, revision));
        }
        else
        {
            var entry = new Entry(write.Key, write.Value, revision, gone ? revision : created);
            (created, write.Decided) = (entry.CreateRevision, new(true, entry, revision));
            _changes.Add(Change.Put(entry));
        }
        _append.Bind(1, revision.Value).Bind(2, at.Value).Bind(3, created.Value).Bind(4, write.IsDelete ? 1 : 0).BindText(5, key).BindBlob(6, write.Value.Span).Run();
        _setKey.Bind(1, revision.Value).Bind(2, created.Value).Bind(3, write.IsDelete ? 1 : 0).BindText(4, key).Run();
        _next = revision.Next;
    }

    byte[] Value(Revision at)
    {
        _value.Bind(1, at.Value).Step();
        byte[] value = _value.Bytes(0).ToArray();
        _value.Reset();
        return value;
    }

    static partial class Log
    {
        [LoggerMessage(2501, LogLevel.Error, "{Writes} writes were refused because their group could not be written")]
        public static partial void GroupFailed(ILogger logger, Exception e, int writes);
    }
}
