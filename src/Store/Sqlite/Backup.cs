namespace Hanbae.Store.Sqlite;

/// <summary>Copies a store to a file while it is used, and puts such a file in its place again.</summary>
public static class Backup
{
    /// <summary>How far a restored store's revision jumps, as etcdutl's --bump-revision recommends: beyond all that clients may have seen since the backup.</summary>
    public const long DefaultBump = 1_000_000_000;

    internal static async Task WriteAsync(string database, string path, CancellationToken ct)
    {
        string target = Path.GetFullPath(path);
        if (File.Exists(target)) throw new IOException($"{target} exists; a backup does not overwrite");
        string partial = target + ".partial";
        try
        {
            File.Delete(partial);
            await Task.Factory.StartNew(() => Copy(database, partial, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            File.Move(partial, target);
            Disk.SyncFolder(Path.GetDirectoryName(target)!);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>Makes a backup the store of a folder. Watchers of before are told to list again: everything older is compacted.</summary>
    /// <param name="replace">Whether a store that is there is moved aside, to names that end in <c>.replaced</c>; otherwise it is an error.</param>
    /// <param name="bump">Added to the revision; see <see cref="DefaultBump"/>.</param>
    public static async Task RestoreAsync(string path, string folder, bool replace, long bump, CancellationToken ct)
    {
        using var held = DataFolder.Take(folder);
        string database = held.Database, partial = database + ".partial";
        bool present = File.Exists(database) || File.Exists(database + "-wal");
        if (present && !replace) throw new IOException($"{database} exists; say that it is to be replaced, or restore to another folder");
        try
        {
            foreach (string part in new[] { partial, partial + "-wal", partial + "-shm" }) File.Delete(part);
            await Task.Factory.StartNew(() => Prepare(path, partial, bump), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            ct.ThrowIfCancellationRequested();
            // The old log goes first: found beside the new file it would be taken for the new file's.
            foreach (string part in new[] { database + "-wal", database + "-shm", database })
                if (File.Exists(part)) File.Move(part, part + ".replaced", overwrite: true);
            File.Move(partial, database);
            Disk.SyncFolder(Path.GetFullPath(folder));
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    static void Copy(string database, string partial, CancellationToken ct)
    {
        using var connection = Connection.Open(database);
        using (ct.Register(connection.Interrupt))
        {
            try
            {
                connection.Execute($"VACUUM INTO '{partial.Replace("'", "''", StringComparison.Ordinal)}'");
            }
            catch (UnavailableException) when (ct.IsCancellationRequested)
            {
                throw new OperationCanceledException(ct);
            }
        }
        Disk.SyncFile(partial);
    }

    static void Prepare(string path, string partial, long bump)
    {
        File.Copy(path, partial);
        using (var connection = Connection.Open(partial))
        {
            Schema.Verify(connection, path, maxBytes: long.MaxValue);
            connection.Execute($"UPDATE meta SET value = max(value, coalesce((SELECT max(rev) FROM log), 0)) + {bump} WHERE name = 'compacted'");
        }
        Disk.SyncFile(partial);
    }
}
