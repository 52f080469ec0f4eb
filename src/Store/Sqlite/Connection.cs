using System.Text;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Hanbae.Store.Sqlite;

/// <summary>One SQLite connection, used by one thread at a time; every failure becomes an <see cref="UnavailableException"/>.</summary>
sealed class Connection : IDisposable
{
    readonly string _path;
    readonly sqlite3 _db;
    readonly List<Statement> _statements = [];

    /// <summary>Milliseconds that a statement waits for a lock of another connection.</summary>
    const int Patience = 10_000;

    static Connection() => Batteries_V2.Init();

    Connection(string path, sqlite3 db) => (_path, _db) = (path, db);

    public static Connection Open(string path, bool create = false)
    {
        int rc = sqlite3_open_v2(path, out var db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0), null);
        var connection = new Connection(path, db);
        try
        {
            connection.Check(rc);
            sqlite3_busy_timeout(db, Patience);
            sqlite3_extended_result_codes(db, 1);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public bool InTransaction => sqlite3_get_autocommit(_db) == 0;

    public void Execute(string sql) => Check(sqlite3_exec(_db, sql));

    /// <summary>The statement lives as long as the connection.</summary>
    public Statement Prepare(string sql)
    {
        Check(sqlite3_prepare_v3(_db, sql, SQLITE_PREPARE_PERSISTENT, out var handle));
        var statement = new Statement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    public long Number(string sql) => ReadOnce(sql, s => s.Step() ? s.Long(0) : 0);
    public string Text(string sql) => ReadOnce(sql, s => s.Step() ? Encoding.UTF8.GetString(s.Bytes(0)) : "");

    public void Rollback()
    {
        // SQLite has already done it after some errors, such as a full disk.
        if (InTransaction) sqlite3_exec(_db, "ROLLBACK");
    }

    /// <summary>Copies the write-ahead log into the file as far as readers let it, waiting for none.</summary>
    /// <returns>How many pages of the log were left: at 0 the next write begins the log anew.</returns>
    public int Checkpoint()
    {
        int rc = sqlite3_wal_checkpoint_v2(_db, null, SQLITE_CHECKPOINT_PASSIVE, out int log, out int copied);
        if (rc == SQLITE_BUSY) return int.MaxValue / 2; // Another connection is at it.
        Check(rc);
        return log - copied;
    }

    /// <summary>Copies the write-ahead log into the file and cuts it off: nothing of what was written is left in it. Waits for no reader.</summary>
    /// <returns>False when a reader is still in it, or another connection at it.</returns>
    public bool CutLog()
    {
        sqlite3_busy_timeout(_db, 0);
        try
        {
            int rc = sqlite3_wal_checkpoint_v2(_db, null, SQLITE_CHECKPOINT_TRUNCATE, out _, out _);
            if (rc == SQLITE_BUSY) return false;
            Check(rc);
            return true;
        }
        finally { sqlite3_busy_timeout(_db, Patience); }
    }

    /// <summary>Pages written to the log since last asked.</summary>
    public int TakePagesWritten()
    {
        const int cacheWrite = 9; // SQLITE_DBSTATUS_CACHE_WRITE
        sqlite3_db_status(_db, cacheWrite, out int pages, out _, 1);
        return pages;
    }

    public void Interrupt() => sqlite3_interrupt(_db);

    public void Check(int rc)
    {
        if (rc is not (SQLITE_OK or SQLITE_ROW or SQLITE_DONE)) throw SqliteFault.From(rc, sqlite3_errmsg(_db).utf8_to_string(), _path);
    }

    public void Dispose()
    {
        foreach (var statement in _statements) statement.Dispose();
        _statements.Clear();
        _db.Dispose();
    }

    T ReadOnce<T>(string sql, Func<Statement, T> read)
    {
        Check(sqlite3_prepare_v2(_db, sql, out var handle));
        using var statement = new Statement(this, handle);
        return read(statement);
    }
}
