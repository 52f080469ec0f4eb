using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Hanbae.Host.Runtime;

/// <summary>The system calls .NET has no name for.</summary>
static class Native
{
    public const int SigTerm = 15, SigKill = 9;
    const ulong MsBind = 0x1000, MsRec = 0x4000, MsShared = 1 << 20;
    const int MntDetach = 2, UmountNoFollow = 8;

    public static void BindToItself(string folder) => Check(mount(Path(folder), Path(folder), null, MsBind | MsRec, 0), "bind " + folder);

    public static void MakeShared(string mountPoint) => Check(mount(null, Path(mountPoint), null, MsShared, 0), "share " + mountPoint);

    /// <summary>Takes a mount away at once, even when something still has a file open below it.</summary>
    public static void Detach(string mountPoint) => Check(umount2(Path(mountPoint), MntDetach | UmountNoFollow), "unmount " + mountPoint);

    /// <returns>Whether there was such a process.</returns>
    public static bool Kill(int pid, int signal) => kill(pid, signal) == 0;

    /// <summary>SQLite and OpenSSL allocate from the C library, which keeps what they free: this gives it back.</summary>
    public static void TrimHeap()
    {
        try { malloc_trim(0); }
        catch (EntryPointNotFoundException) { } // glibc's own
    }

    /// <summary>What an image layer must know of a file; the layout of <c>statx</c> is the same on every architecture.</summary>
    public static FileFacts Stat(string path)
    {
        const int AtFdCwd = -100, AtSymlinkNoFollow = 0x100;
        const uint BasicStats = 0x7ff;
        byte[] buffer = new byte[256];
        Check(statx(AtFdCwd, Path(path), AtSymlinkNoFollow, BasicStats, buffer), "stat " + path);
        ReadOnlySpan<byte> s = buffer;
        return new(
            Links: U32(s, 16), Uid: U32(s, 20), Gid: U32(s, 24), Mode: BinaryPrimitives.ReadUInt16LittleEndian(s[28..]),
            Inode: U64(s, 32), Size: (long)U64(s, 40), Modified: DateTimeOffset.FromUnixTimeSeconds((long)U64(s, 112)),
            RdevMajor: U32(s, 128), RdevMinor: U32(s, 132), Device: ((ulong)U32(s, 136) << 32) | U32(s, 140));
    }

    static uint U32(ReadOnlySpan<byte> s, int at) => BinaryPrimitives.ReadUInt32LittleEndian(s[at..]);
    static ulong U64(ReadOnlySpan<byte> s, int at) => BinaryPrimitives.ReadUInt64LittleEndian(s[at..]);
    static byte[] Path(string path) => Encoding.UTF8.GetBytes(path + "\0");

    static void Check(int result, string what)
    {
        if (result != 0) throw new IOException(what + ": " + new Win32Exception(Marshal.GetLastPInvokeError()).Message);
    }

    [DllImport("libc", SetLastError = true)] static extern int mount(byte[]? source, byte[] target, byte[]? type, ulong flags, nint data);
    [DllImport("libc", SetLastError = true)] static extern int umount2(byte[] target, int flags);
    [DllImport("libc")] static extern int malloc_trim(nuint pad);
    [DllImport("libc", SetLastError = true)] static extern int kill(int pid, int signal);
    [DllImport("libc", SetLastError = true)] static extern int statx(int folder, byte[] path, int flags, uint mask, byte[] buffer);
}

/// <summary>Owner, mode and identity of a file, links not followed.</summary>
readonly record struct FileFacts(
    uint Links, uint Uid, uint Gid, ushort Mode, ulong Inode, long Size, DateTimeOffset Modified, uint RdevMajor, uint RdevMinor, ulong Device)
{
    /// <summary>The type bits of the mode: <c>S_IFMT</c>.</summary>
    public int Type => Mode & 0xF000;
}
