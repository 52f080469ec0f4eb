using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>The system calls that volumes need and .NET lacks: mounts, and files by descriptor, so that no symbolic link can be slipped in between two looks.</summary>
static class Native
{
    public const int CurrentFolder = -100, RemoveFolder = 0x200, NoFollowAt = 0x100, EmptyPath = 0x1000;
    public const int NotPermitted = 1, NoEntry = 2, Again = 11, Busy = 16, Exists = 17, CrossDevice = 18, NotFolder = 20, Invalid = 22, NotEmpty = 39, Loop = 40, NoSystemCall = 38;
    public const int Force = 1, Detach = 2;
    public const ulong MountReadOnly = 1, MountRemount = 32, MountBind = 4096;

    static readonly bool Arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    public const int PathOnly = 0x200000, CloseOnExec = 0x80000;
    public static readonly int NoFollow = Arm ? 0x8000 : 0x20000, Folder = Arm ? 0x4000 : 0x10000;

    /// <summary>For messages, as Go writes it: lower case.</summary>
    public static string Text(int error)
    {
        string text = Marshal.GetPInvokeErrorMessage(error);
        return text.Length > 0 ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    public static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path + "\0");

    /// <returns>0 or the error.</returns>
    public static int Mount(string source, string target, string type, ulong flags, string data)
    {
        nint options = data.Length > 0 ? Marshal.StringToCoTaskMemUTF8(data) : 0;
        try { return mount(Bytes(source), Bytes(target), type.Length > 0 ? Bytes(type) : null, flags, options) == 0 ? 0 : Marshal.GetLastPInvokeError(); }
        finally { Marshal.FreeCoTaskMem(options); }
    }

    /// <param name="how"><see cref="Force"/>, <see cref="Detach"/> or nothing.</param>
    /// <inheritdoc cref="Mount"/>
    public static int Unmount(string target, int how = 0)
    {
        const int noFollow = 8;
        return umount2(Bytes(target), noFollow | how) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>A file that is only memory, and nobody's but who has its descriptor.</summary>
    /// <exception cref="IOException"/>
    public static SafeFileHandle MemoryFile(string name)
    {
        const uint closeOnExec = 1;
        int fd = memfd_create(Bytes(name), closeOnExec);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw Tree.Failure("memfd_create", name, Marshal.GetLastPInvokeError());
    }

    /// <summary>Opens <paramref name="name"/> in a folder, and only that: no symbolic link is followed.</summary>
    /// <returns>Null with the error when it cannot be opened.</returns>
    public static SafeFileHandle? OpenAt(SafeFileHandle? folder, ReadOnlySpan<byte> name, int flags, out int error)
    {
        int at = folder is null ? CurrentFolder : (int)folder.DangerousGetHandle();
        int fd = openat(at, name.ToArray(), flags | NoFollow | CloseOnExec, 0);
        error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        GC.KeepAlive(folder);
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Opens a path whose every step, symbolic links too, stays beneath the folder: <c>openat2(RESOLVE_BENEATH)</c>, Linux 5.6.</summary>
    /// <inheritdoc cref="OpenAt"/>
    public static SafeFileHandle? OpenBeneath(SafeFileHandle folder, string path, out int error)
    {
        const int openat2 = 437;
        const ulong noMagicLinks = 2, beneath = 8;
        Span<byte> how = stackalloc byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(how, PathOnly | CloseOnExec);
        BinaryPrimitives.WriteUInt64LittleEndian(how[16..], noMagicLinks | beneath);
        for (int tries = 0; ; tries++)
        {
            int fd = (int)syscall(openat2, folder.DangerousGetHandle(), Bytes(path), how.ToArray(), 24);
            error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
            GC.KeepAlive(folder);
            if (fd >= 0) return new SafeFileHandle(fd, ownsHandle: true);
            if (error != Again || tries == 32) return null; // EAGAIN: somebody renames at this moment
        }
    }

    /// <summary>The path without symbolic links of something that exists.</summary>
    /// <exception cref="IOException"/>
    public static string RealPath(string path)
    {
        int fd = openat(CurrentFolder, Bytes(path), PathOnly | CloseOnExec, 0);
        if (fd < 0) throw Tree.Failure("open", path, Marshal.GetLastPInvokeError());
        using var handle = new SafeFileHandle(fd, ownsHandle: true);
        return new FileInfo(PathOf(handle)).LinkTarget ?? path;
    }

    /// <summary>Makes a file that is not there yet, for writing.</summary>
    /// <exception cref="IOException"/>
    public static SafeFileHandle CreateFile(string path, uint mode)
    {
        const int writeOnly = 1, create = 0x40, exclusive = 0x80;
        int fd = openat(CurrentFolder, Bytes(path), writeOnly | create | exclusive | NoFollow | CloseOnExec, mode);
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw Tree.Failure("open", path, Marshal.GetLastPInvokeError());
    }

    public static FileStatus? Status(SafeFileHandle handle)
    {
        byte[] buffer = new byte[256];
        int result = statx((int)handle.DangerousGetHandle(), [0], EmptyPath | NoFollowAt, 0x7ff, buffer);
        GC.KeepAlive(handle);
        return result == 0 ? new FileStatus(buffer) : null;
    }

    /// <summary>Null when there is nothing, or when it cannot be reached.</summary>
    /// <param name="follow">Look at what a symbolic link leads to.</param>
    public static FileStatus? Status(string path, bool follow = false)
    {
        byte[] buffer = new byte[256];
        return statx(CurrentFolder, Bytes(path), follow ? 0 : NoFollowAt, 0x7ff, buffer) == 0 ? new FileStatus(buffer) : null;
    }

    /// <inheritdoc cref="Mount"/>
    public static int MakeFolderAt(SafeFileHandle folder, string name, uint mode)
    {
        int result = mkdirat((int)folder.DangerousGetHandle(), Bytes(name), mode);
        GC.KeepAlive(folder);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <inheritdoc cref="Mount"/>
    public static int RemoveAt(SafeFileHandle folder, ReadOnlySpan<byte> name, int flags)
    {
        int result = unlinkat((int)folder.DangerousGetHandle(), name.ToArray(), flags);
        GC.KeepAlive(folder);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Changes owner and group; -1 leaves one as it is. Works on descriptors that were opened for their path only.</summary>
    /// <inheritdoc cref="Mount"/>
    public static int Own(SafeFileHandle handle, long user, long group)
    {
        int result = fchownat((int)handle.DangerousGetHandle(), [0], unchecked((uint)user), unchecked((uint)group), EmptyPath | NoFollowAt);
        GC.KeepAlive(handle);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <inheritdoc cref="Own"/>
    public static int SetMode(SafeFileHandle handle, uint mode)
    {
        int result = chmod(Bytes(PathOf(handle)), mode); // fchmod refuses O_PATH descriptors, the kernel's own link does not
        int error = result == 0 ? 0 : Marshal.GetLastPInvokeError();
        GC.KeepAlive(handle);
        return error;
    }

    /// <inheritdoc cref="Mount"/>
    public static int SetMode(string path, uint mode) => chmod(Bytes(path), mode) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <inheritdoc cref="Mount"/>
    public static int Rename(string from, string to) => rename(Bytes(from), Bytes(to)) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Has the names in a folder on disk.</summary>
    /// <exception cref="IOException"/>
    public static void Sync(string folder)
    {
        using var handle = OpenAt(null, Bytes(folder), Folder, out int error) ?? throw Tree.Failure("open", folder, error);
        if (fsync((int)handle.DangerousGetHandle()) != 0) throw Tree.Failure("fsync", folder, Marshal.GetLastPInvokeError());
    }

    /// <summary>A path that leads to the opened file and nowhere else, whatever its name has become.</summary>
    public static string PathOf(SafeFileHandle handle) => $"/proc/self/fd/{handle.DangerousGetHandle()}";

    /// <summary>All names in a folder, as the bytes they are (with the final zero): containers may choose names that are not text.</summary>
    public static List<byte[]> Names(SafeFileHandle folder, out int error)
    {
        long getdents = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 217, Architecture.Arm => 217, Architecture.S390x => 220, Architecture.Ppc64le => 202, _ => 61 };
        List<byte[]> names = [];
        byte[] buffer = new byte[32 * 1024];
        error = 0;
        while (true)
        {
            long n = syscall(getdents, folder.DangerousGetHandle(), buffer, buffer.Length);
            if (n < 0) { error = Marshal.GetLastPInvokeError(); return names; }
            if (n == 0) return names;
            for (int at = 0; at < n;)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16));
                var name = buffer.AsSpan(at + 19, length - 19);
                name = name[..(name.IndexOf((byte)0) + 1)];
                if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8)) names.Add(name.ToArray());
                at += length;
            }
        }
    }

    /// <summary>How big the file system is that a path lies on, and what is left of it: bytes for users who are not root, and inodes.</summary>
    /// <exception cref="IOException"/>
    public static (long Total, long Available, long Inodes, long InodesFree) FileSystem(string path)
    {
        byte[] buffer = new byte[256]; // struct statvfs: its first eight fields are words on every 64-bit Linux
        if (statvfs(Bytes(path), buffer) != 0) throw Tree.Failure("statfs", path, Marshal.GetLastPInvokeError());
        long Word(int at) => BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(at * 8));
        return (Word(1) * Word(2), Word(1) * Word(4), Word(5), Word(6));
    }

    /// <summary>Has the kernel remember when the file is opened or removed.</summary>
    /// <exception cref="IOException"/>
    public static SafeFileHandle WatchOpened(string path)
    {
        const int nonBlocking = 0x800;
        const uint opened = 0x20, removed = 0x400;
        int fd = inotify_init1(nonBlocking | CloseOnExec);
        if (fd < 0) throw Tree.Failure("inotify_init", path, Marshal.GetLastPInvokeError());
        var watch = new SafeFileHandle(fd, ownsHandle: true);
        if (inotify_add_watch(fd, Bytes(path), opened | removed) >= 0) return watch;
        int error = Marshal.GetLastPInvokeError();
        watch.Dispose();
        throw Tree.Failure("inotify_add_watch", path, error);
    }

    public static bool HasHappened(SafeFileHandle watch) => read((int)watch.DangerousGetHandle(), new byte[4096], 4096) > 0;

    [DllImport("libc", SetLastError = true)] static extern int inotify_init1(int flags);
    [DllImport("libc", SetLastError = true)] static extern int inotify_add_watch(int watch, byte[] path, uint mask);
    [DllImport("libc", SetLastError = true)] static extern nint read(int file, byte[] buffer, nint size);
    [DllImport("libc", SetLastError = true)] static extern int statvfs(byte[] path, byte[] buffer);
    [DllImport("libc", SetLastError = true)] static extern int mount(byte[] source, byte[] target, byte[]? type, ulong flags, nint data);
    [DllImport("libc", SetLastError = true)] static extern int fsync(int file);
    [DllImport("libc", SetLastError = true)] static extern int memfd_create(byte[] name, uint flags);
    [DllImport("libc", SetLastError = true)] static extern int umount2(byte[] target, int flags);
    [DllImport("libc", SetLastError = true)] static extern int openat(int folder, byte[] path, int flags, uint mode);
    [DllImport("libc", SetLastError = true)] static extern int statx(int folder, byte[] path, int flags, uint mask, byte[] buffer);
    [DllImport("libc", SetLastError = true)] static extern int mkdirat(int folder, byte[] path, uint mode);
    [DllImport("libc", SetLastError = true)] static extern int unlinkat(int folder, byte[] path, int flags);
    [DllImport("libc", SetLastError = true)] static extern int fchownat(int folder, byte[] path, uint user, uint group, int flags);
    [DllImport("libc", SetLastError = true)] static extern int chmod(byte[] path, uint mode);
    [DllImport("libc", SetLastError = true)] static extern int rename(byte[] from, byte[] to);
    [DllImport("libc", SetLastError = true)] static extern nint syscall(nint number, nint folder, byte[] path, byte[] how, nint size);
    [DllImport("libc", SetLastError = true)] static extern nint syscall(long number, nint folder, byte[] buffer, nint size);
}
