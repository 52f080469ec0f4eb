using System.Runtime.InteropServices;

namespace Hanbae.Store.Sqlite;

/// <summary>Makes files and their names last through a power loss.</summary>
static partial class Disk
{
    public static void SyncFile(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>A new or renamed file is found again only once its folder is on the disk, too.</summary>
    public static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return; // There a folder cannot be opened, and NTFS logs names itself.
        int fd = Open(folder, 0);
        if (fd < 0) throw new IOException($"cannot open {folder}: error {Marshal.GetLastPInvokeError()}");
        int rc = Sync(fd);
        int error = Marshal.GetLastPInvokeError();
        _ = Close(fd);
        if (rc != 0) throw new IOException($"cannot sync {folder}: error {error}");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int fd);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);
}
