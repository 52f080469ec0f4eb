using static SQLitePCL.raw;

namespace Hanbae.Store.Sqlite;

/// <summary>Says what an SQLite error means for whoever runs the store, and what to do.</summary>
static class SqliteFault
{
    public static UnavailableException From(int extended, string message, string path) => (extended & 0xFF) switch
    {
        SQLITE_FULL => new(Unavailable.DiskFull, $"no room to write {path}: {message}; the write was not made, and writing works again once there is room on the disk"),
        SQLITE_CORRUPT or SQLITE_NOTADB => Damaged(path, message),
        _ => new(Unavailable.Failed, $"{path}: {message} (SQLite error {extended})"),
    };

    public static UnavailableException Damaged(string path, string how) => new(Unavailable.Damaged,
        $"{path} is damaged or not a store: {how}; restore it from a backup, or move it and its -wal and -shm files away to begin with an empty store");
}
