using System.Buffers.Binary;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>What the kernel says of a file (<c>statx</c>, whose layout is the same on all processors).</summary>
readonly record struct FileStatus(uint Mode, uint User, uint Group, ulong Inode, ulong Device, bool IsMountRoot)
{
    public FileStatus(ReadOnlySpan<byte> statx) : this(
        BinaryPrimitives.ReadUInt16LittleEndian(statx[28..]), BinaryPrimitives.ReadUInt32LittleEndian(statx[20..]), BinaryPrimitives.ReadUInt32LittleEndian(statx[24..]),
        BinaryPrimitives.ReadUInt64LittleEndian(statx[32..]), BinaryPrimitives.ReadUInt64LittleEndian(statx[136..]),
        (BinaryPrimitives.ReadUInt64LittleEndian(statx[8..]) & 0x2000) != 0) => Bytes = BinaryPrimitives.ReadInt64LittleEndian(statx[48..]) * 512;

    /// <summary>What it takes of the disk, which holes and sharing make differ from its length.</summary>
    public long Bytes { get; init; }

    public uint Type => Mode & 0xF000;
    public uint Permissions => Mode & 0xFFF;
    public bool IsFolder => Type == 0x4000;
    public bool IsFile => Type == 0x8000;
    public bool IsLink => Type == 0xA000;
    public bool IsSocket => Type == 0xC000;
    public bool IsCharDevice => Type == 0x2000;
    public bool IsBlockDevice => Type == 0x6000;

    public bool IsSameFile(FileStatus other) => Inode == other.Inode && Device == other.Device;
}
