namespace Hanbae.Store.Sqlite;

/// <summary>The tables of a store, and the checks a file must pass to be taken for one.</summary>
/// <remarks>
/// <c>log</c> has each write once, in the order of revisions, so writes append; <c>prev</c> chains a key's versions backwards, which serves
/// lists at a revision and tells compaction what a write superseded. <c>keys</c> has each key's newest version without the value, deleted ones
/// too until they are compacted: that index decides put-if, and listing the present never meets the past.
/// </remarks>
static class Schema
{
    const int ApplicationId = 0x48616E62; // "Hanb"
    const int Version = 1;

    /// <summary>What each connection is set to. A write returns when the log is on the disk: synchronous=FULL.</summary>
    /// <param name="cacheKiB">Its page cache; the operating system caches the file as well.</param>
    public static void Configure(Connection connection, int cacheKiB) => connection.Execute($"PRAGMA synchronous=FULL; PRAGMA cache_size=-{cacheKiB}; PRAGMA temp_store=MEMORY");

    public static Connection OpenOrCreate(string path, SqliteOptions options)
    {
        bool exists = File.Exists(path) && new FileInfo(path).Length > 0;
        if (!exists && File.Exists(path + "-wal")) throw SqliteFault.Damaged(path, "the file is gone but its write-ahead log is there");
        var connection = Connection.Open(path, create: true);
        try
        {
            // A crash while the file was made leaves it without tables: make it again.
            if (!exists || connection.Number("SELECT count(*) FROM sqlite_master") == 0) Create(connection);
            Verify(connection, path, options.MaxBytesToVerify);
            Configure(connection, cacheKiB: 8 << 10);
            connection.Execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=ON");
            if (options.MaxPages > 0) connection.Execute($"PRAGMA max_page_count={options.MaxPages}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a file that is no store, was cut short, or has broken pages.</summary>
    /// <param name="maxBytes">Beyond this size only what costs nothing is looked at.</param>
    public static void Verify(Connection connection, string path, long maxBytes)
    {
        if (connection.Number("PRAGMA application_id") != ApplicationId) throw SqliteFault.Damaged(path, "it is some other SQLite database");
        long version = connection.Number("PRAGMA user_version");
        if (version != Version) throw new UnavailableException(Unavailable.Failed, $"{path} has format {version}, this program knows {Version}: it was written by another version; use that one");

        connection.Checkpoint();
        long bytes = connection.Number("PRAGMA page_count") * connection.Number("PRAGMA page_size");
        if (new FileInfo(path).Length < bytes) throw SqliteFault.Damaged(path, $"it should have {bytes} bytes but has {new FileInfo(path).Length}");
        if (bytes <= maxBytes && connection.Text("PRAGMA quick_check(1)") is not "ok" and var problem) throw SqliteFault.Damaged(path, problem);
    }

    static void Create(Connection connection) => connection.Execute($"""
        PRAGMA page_size=4096;
        PRAGMA auto_vacuum=INCREMENTAL;
        PRAGMA journal_mode=WAL;
        PRAGMA synchronous=FULL;
        BEGIN IMMEDIATE;
        CREATE TABLE log (rev INTEGER PRIMARY KEY, prev INTEGER NOT NULL, created INTEGER NOT NULL, deleted INTEGER NOT NULL, key TEXT NOT NULL, value BLOB);
        CREATE TABLE keys (key TEXT PRIMARY KEY, rev INTEGER NOT NULL, created INTEGER NOT NULL, deleted INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('compacted', {Revision.First}), ('swept', {Revision.First});
        PRAGMA application_id={ApplicationId};
        PRAGMA user_version={Version};
        COMMIT;
        """);
}
