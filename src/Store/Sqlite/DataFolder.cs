namespace Hanbae.Store.Sqlite;

/// <summary>A store's folder, held by one process at a time.</summary>
sealed class DataFolder : IDisposable
{
    public const string FileName = "store.db";

    readonly FileStream _lock;

    DataFolder(string folder, FileStream @lock) => (Database, _lock) = (Path.Combine(folder, FileName), @lock);

    public string Database { get; }

    /// <exception cref="UnavailableException">Another process, or another store of this one, has it open.</exception>
    public static DataFolder Take(string folder)
    {
        string path = Path.Combine(folder, "store.lock");
        try
        {
            bool made = !Directory.Exists(folder);
            Directory.CreateDirectory(folder);
            if (made && Path.GetDirectoryName(Path.GetFullPath(folder)) is { } parent) Disk.SyncFolder(parent);
            // FileShare.None is flock(LOCK_EX) here: it ends with the process, however that ends.
            return new(folder, new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new UnavailableException(Unavailable.InUse, $"{folder} is in use by another process, which holds {path}; stop that one or give this one another data folder", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnavailableException(Unavailable.Failed, $"cannot use {folder} as data folder: {e.Message}", inner: e);
        }
    }

    public void Dispose() => _lock.Dispose();
}
