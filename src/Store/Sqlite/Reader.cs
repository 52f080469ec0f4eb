using System.Text;

namespace Hanbae.Store.Sqlite;

/// <summary>A connection that reads the store as it was at a revision.</summary>
/// <remarks>
/// Never asks SQLite for the newest revision: the caller names one that watchers have been told, and what was committed since is skipped by
/// walking <c>log.prev</c>. Whether the revision was compacted meanwhile is the caller's to check afterwards.
/// </remarks>
sealed class Reader : IDisposable
{
    /// <summary>SQLite orders any blob behind all text: a range without end.</summary>
    static readonly byte[] s_behindAllText = [0];

    readonly Connection _connection;
    readonly Statement _begin, _end, _key, _version, _range, _count, _newer, _changes;
    byte[] _start = new byte[256], _stop = new byte[256];

    public Reader(string path)
    {
        _connection = Connection.Open(path);
        Schema.Configure(_connection, cacheKiB: 1 << 10);
        _begin = _connection.Prepare("BEGIN");
        _end = _connection.Prepare("COMMIT");
        _key = _connection.Prepare("SELECT rev, deleted FROM keys WHERE key = ?1");
        _version = _connection.Prepare("SELECT prev, created, deleted, value FROM log WHERE rev = ?1");
        _range = _connection.Prepare("SELECT key, rev, deleted FROM keys WHERE key >= ?1 AND key < ?2 ORDER BY key");
        _count = _connection.Prepare("SELECT count(*) FROM keys WHERE key >= ?1 AND key < ?2 AND rev <= ?3 AND deleted = 0");
        _newer = _connection.Prepare("SELECT rev FROM keys WHERE key >= ?1 AND key < ?2 AND rev > ?3");
        _changes = _connection.Prepare("SELECT rev, prev, created, deleted, key, value FROM log WHERE rev > ?3 AND rev <= ?4 AND key >= ?1 AND key < ?2 ORDER BY rev LIMIT ?5");
    }

    public Entry? Get(Key key, Revision at)
    {
        using var snapshot = new Snapshot(this);
        try
        {
            return _key.BindText(1, Utf8(key.Path, ref _start)).Step() && Seek(_key.Long(0), _key.Long(1) != 0, at) is var rev and not 0 ? Read(key, rev) : null;
        }
        finally
        {
            _key.Reset();
        }
    }

    public Page List(KeyRange range, Revision at, int limit, bool count)
    {
        using var snapshot = new Snapshot(this);
        var entries = new List<Entry>();
        bool more = false;
        try
        {
            for (Bind(_range, range); !more && _range.Step();)
            {
                long rev = Seek(_range.Long(1), _range.Long(2) != 0, at);
                if (rev == 0) continue;
                if (limit > 0 && entries.Count == limit) more = true;
                else entries.Add(Read(Key.Trusted(Encoding.UTF8.GetString(_range.Bytes(0))), rev));
            }
        }
        finally
        {
            _range.Reset();
        }
        return new(entries, at, more, !count ? null : more ? Count(range.After(entries[^1].Key), at) : 0);
    }

    public List<Change> Changes(KeyRange range, Revision after, Revision upTo, int limit)
    {
        using var snapshot = new Snapshot(this);
        var found = new List<Change>();
        try
        {
            Bind(_changes, range).Bind(3, after.Value).Bind(4, upTo.Value).Bind(5, limit);
            while (_changes.Step())
            {
                var key = Key.Trusted(Encoding.UTF8.GetString(_changes.Bytes(4)));
                var (revision, created) = (new Revision(_changes.Long(0)), new Revision(_changes.Long(2)));
                found.Add(_changes.Long(3) == 0
                    ? new(ChangeKind.Put, key, _changes.Bytes(5).ToArray(), revision, created)
                    : new(ChangeKind.Delete, key, Read(key, _changes.Long(1)).Value, revision, created));
            }
            return found;
        }
        finally
        {
            _changes.Reset();
        }
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>The revision at which the key was visible, going back from its newest; 0 when it was not there.</summary>
    long Seek(long rev, bool deleted, Revision at)
    {
        while (rev > at.Value)
        {
            try
            {
                // Gone: what was swept had been deleted before the oldest revision.
                if (!_version.Bind(1, rev).Step()) return 0;
                rev = _version.Long(0);
            }
            finally
            {
                _version.Reset();
            }
            if (rev <= at.Value) deleted = rev == 0 || !Exists(rev);
        }
        return deleted ? 0 : rev;
    }

    bool Exists(long rev)
    {
        try
        {
            return _version.Bind(1, rev).Step() && _version.Long(2) == 0;
        }
        finally
        {
            _version.Reset();
        }
    }

    Entry Read(Key key, long rev)
    {
        try
        {
            return _version.Bind(1, rev).Step() ? new(key, _version.Bytes(3).ToArray(), new(rev), new(_version.Long(1)))
                : new(key, default, new(rev), default); // Swept meanwhile: the caller finds the revision compacted.
        }
        finally
        {
            _version.Reset();
        }
    }

    long Count(KeyRange range, Revision at)
    {
        try
        {
            Bind(_count, range).Bind(3, at.Value).Step();
            long count = _count.Long(0);
            Bind(_newer, range).Bind(3, at.Value);
            while (_newer.Step())
                if (Seek(_newer.Long(0), false, at) != 0) count++;
            return count;
        }
        finally
        {
            _count.Reset();
            _newer.Reset();
        }
    }

    Statement Bind(Statement statement, KeyRange range)
    {
        statement.BindText(1, Utf8(range.Start, ref _start));
        return range.End is null ? statement.BindBlob(2, s_behindAllText) : statement.BindText(2, Utf8(range.End, ref _stop));
    }

    static ReadOnlySpan<byte> Utf8(string text, ref byte[] buffer)
    {
        if (buffer.Length < text.Length * 3) buffer = new byte[text.Length * 3];
        return buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer));
    }

    /// <summary>All statements inside see the same state of the file.</summary>
    readonly ref struct Snapshot
    {
        readonly Reader _reader;

        public Snapshot(Reader reader) => (_reader = reader)._begin.Run();

        public void Dispose()
        {
            // Some failures end the transaction themselves, and theirs is the message to be seen.
            if (_reader._connection.InTransaction) _reader._end.Run();
        }
    }
}
