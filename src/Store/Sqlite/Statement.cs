using SQLitePCL;
using static SQLitePCL.raw;

namespace Hanbae.Store.Sqlite;

/// <summary>A prepared statement that is bound, stepped and reset again and again. Parameters count from 1, columns from 0.</summary>
sealed class Statement(Connection connection, sqlite3_stmt handle) : IDisposable
{
    public Statement Bind(int at, long value)
    {
        connection.Check(sqlite3_bind_int64(handle, at, value));
        return this;
    }

    public Statement BindText(int at, ReadOnlySpan<byte> utf8)
    {
        connection.Check(sqlite3_bind_text(handle, at, utf8));
        return this;
    }

    public Statement BindBlob(int at, ReadOnlySpan<byte> value)
    {
        connection.Check(sqlite3_bind_blob(handle, at, value));
        return this;
    }

    /// <summary>True while there is a row. Call <see cref="Reset"/> before the next use, or use <see cref="Run"/>.</summary>
    public bool Step()
    {
        int rc = sqlite3_step(handle);
        if (rc == SQLITE_ROW) return true;
        if (rc == SQLITE_DONE) return false;
        sqlite3_reset(handle);
        connection.Check(rc);
        return false;
    }

    public void Run()
    {
        Step();
        Reset();
    }

    public void Reset() => sqlite3_reset(handle);

    public long Long(int column) => sqlite3_column_int64(handle, column);
    public ReadOnlySpan<byte> Bytes(int column) => sqlite3_column_blob(handle, column);

    public void Dispose() => handle.Dispose();
}
