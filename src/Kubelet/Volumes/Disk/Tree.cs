using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Walks what containers left behind: by descriptor, so that no link leads out, and by bytes, since names need not be text.</summary>
static class Tree
{
    /// <summary>Removes a folder and all in it; what is mounted inside is never touched.</summary>
    /// <exception cref="IOException"/>
    public static void Delete(string folder)
    {
        if (Path.GetDirectoryName(folder) is not { } parent) throw new IOException($"refusing to remove {folder}");
        using var at = Native.OpenAt(null, Native.Bytes(parent), Native.Folder, out int error);
        if (at is null) { if (error is Native.NoEntry or Native.NotFolder) return; throw Failure("open", parent, error); }
        DeleteIn(at, Native.Bytes(Path.GetFileName(folder)), folder);
    }

    static void DeleteIn(SafeFileHandle parent, byte[] name, string path)
    {
        int error = Native.RemoveAt(parent, name, 0);
        if (error is 0 or Native.NoEntry) return;
        // EISDIR is Linux' answer, EPERM is what POSIX says: a folder in either case, or the next call tells.
        using (var folder = Native.OpenAt(parent, name, Native.Folder, out int openError))
        {
            if (folder is null) throw Failure("remove", path, openError == Native.NotFolder ? error : openError);
            if (Native.Status(folder) is { IsMountRoot: true }) throw Failure("remove", path, Native.Busy);
            foreach (byte[] child in Native.Names(folder, out int listError))
            {
                if (listError != 0) throw Failure("list", path, listError);
                DeleteIn(folder, child, path + "/" + System.Text.Encoding.UTF8.GetString(child.AsSpan(0, child.Length - 1)));
            }
        }
        error = Native.RemoveAt(parent, name, Native.RemoveFolder);
        if (error is not (0 or Native.NoEntry)) throw Failure("remove", path, error);
    }

    /// <summary>Visits a folder and all in it, but for what is mounted inside; children before their folder, so that a walk that broke off shows at the top.</summary>
    /// <param name="visit">Returns 0 or an error number.</param>
    /// <exception cref="IOException"/>
    public static void Visit(string root, Func<SafeFileHandle, FileStatus, int> visit, CancellationToken ct)
    {
        using var top = Native.OpenAt(null, Native.Bytes(root), Native.PathOnly, out int error);
        if (top is null) throw Failure("open", root, error);
        Visit(top, root, isTop: true, visit, ct);
    }

    static void Visit(SafeFileHandle item, string path, bool isTop, Func<SafeFileHandle, FileStatus, int> visit, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (Native.Status(item) is not { } status || !isTop && status.IsMountRoot) return;
        if (status.IsFolder)
        {
            using var folder = Native.OpenAt(item, ".\0"u8, Native.Folder, out int error);
            if (folder is null) throw Failure("open", path, error);
            foreach (byte[] name in Native.Names(folder, out _))
            {
                using var child = Native.OpenAt(folder, name, Native.PathOnly, out int gone);
                if (child is not null) Visit(child, path + "/" + System.Text.Encoding.UTF8.GetString(name.AsSpan(0, name.Length - 1)), isTop: false, visit, ct);
                else if (gone != Native.NoEntry) throw Failure("open", path, gone);
            }
        }
        int failed = visit(item, status);
        if (failed is not (0 or Native.NoEntry)) throw Failure("change", path, failed);
    }

    /// <summary>What a folder and all in it takes of the disk, and of how many files it is.</summary>
    /// <exception cref="IOException"/>
    public static (long Bytes, long Files) Measure(string root)
    {
        long bytes = 0, files = 0;
        Visit(root, (_, status) =>
        {
            bytes += status.Bytes;
            files++;
            return 0;
        }, CancellationToken.None);
        return (bytes, files);
    }

    public static IOException Failure(string verb, string path, int error) => new($"{verb} {path}: {Native.Text(error)}");
}
