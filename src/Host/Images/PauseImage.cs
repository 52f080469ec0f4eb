using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Images;

/// <summary>The image every pod sandbox starts from, made without a compiler, a registry or a download.</summary>
/// <remarks>
/// The program is assembled from <c>tools/pause/pause.ARCH.S</c>; a test assembles it again and compares. It does not depend on the base
/// address it is loaded at and needs no library, so an ELF header and one segment are the whole file.
/// </remarks>
public static class PauseImage
{
    public const string Name = "hanbae.local/pause:1";

    public static ReadOnlySpan<byte> Code(Architecture architecture) => architecture switch
    {
        Architecture.X64 => X64,
        Architecture.Arm64 => Arm64,
        _ => throw new RuntimeException($"there is no pause program for {architecture}; use a runtime that has its own, by --runtime-endpoint"),
    };

    /// <summary>The image as an archive that <see cref="ImageStore"/> imports.</summary>
    public static async Task WriteAsync(Stream archive, Architecture architecture, CancellationToken ct)
    {
        // One fixed moment: the same program always has the same digest.
        var layer = await OciLayer.CreateAsync(Path.GetTempPath(), tar => tar.AddAsync("pause", Elf(architecture), mode: 0x1ED, DateTimeOffset.UnixEpoch, ct), ct);
        await using (layer)
        {
            // As upstream's: nobody in particular, the sandbox needs no rights.
            var config = new OciConfig { Entrypoint = ["/pause"], User = "65535:65535", WorkingDir = "/" };
            await OciArchive.WriteAsync(archive, layer, config, Name, architecture, DateTimeOffset.UnixEpoch, ct);
        }
    }

    internal static byte[] Elf(Architecture architecture)
    {
        const ulong Base = 0x400000;
        const int Header = 64, Segment = 56, Start = Header + 2 * Segment;
        ReadOnlySpan<byte> code = Code(architecture);
        byte[] file = new byte[Start + code.Length];
        var f = file.AsSpan();
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2 /* 64 bits */, 1 /* little endian */, 1]).CopyTo(f);
        U16(f, 16, 2); // an executable
        U16(f, 18, architecture == Architecture.X64 ? (ushort)62 : (ushort)183);
        U32(f, 20, 1);
        U64(f, 24, Base + Start);
        U64(f, 32, Header);
        U16(f, 52, Header);
        U16(f, 54, Segment);
        U16(f, 56, 2);
        // All of the file, readable and executable.
        U32(f, Header, 1);
        U32(f, Header + 4, 5);
        U64(f, Header + 16, Base);
        U64(f, Header + 24, Base);
        U64(f, Header + 32, (ulong)file.Length);
        U64(f, Header + 40, (ulong)file.Length);
        U64(f, Header + 48, 0x1000);
        // PT_GNU_STACK: a stack that is not executable.
        U32(f, Header + Segment, 0x6474e551);
        U32(f, Header + Segment + 4, 6);
        code.CopyTo(f[Start..]);
        return file;
    }

    static void U16(Span<byte> f, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(f[at..], value);
    static void U32(Span<byte> f, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(f[at..], value);
    static void U64(Span<byte> f, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(f[at..], value);

    static ReadOnlySpan<byte> X64 =>
    [
        0x68, 0x02, 0x40, 0x01, 0x00, 0x48, 0x89, 0xe3, 0x48, 0x89, 0xde, 0x31, 0xff, 0x31, 0xd2, 0x6a,
        0x08, 0x41, 0x5a, 0xb8, 0x0e, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x48, 0x89, 0xdf, 0x31, 0xf6, 0x31,
        0xd2, 0x6a, 0x08, 0x41, 0x5a, 0xb8, 0x80, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x83, 0xf8, 0x11, 0x74,
        0x13, 0x83, 0xf8, 0x02, 0x74, 0x05, 0x83, 0xf8, 0x0f, 0x75, 0xdf, 0x31, 0xff, 0xb8, 0xe7, 0x00,
        0x00, 0x00, 0x0f, 0x05, 0x6a, 0xff, 0x5f, 0x31, 0xf6, 0xba, 0x01, 0x00, 0x00, 0x00, 0x45, 0x31,
        0xd2, 0xb8, 0x3d, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x85, 0xc0, 0x7f, 0xe8, 0xeb, 0xbc,
    ];

    static ReadOnlySpan<byte> Arm64 =>
    [
        0x49, 0x00, 0x88, 0xd2, 0x29, 0x00, 0xa0, 0xf2, 0xe9, 0x0f, 0x1f, 0xf8, 0x00, 0x00, 0x80, 0xd2,
        0xe1, 0x03, 0x00, 0x91, 0x02, 0x00, 0x80, 0xd2, 0x03, 0x01, 0x80, 0xd2, 0xe8, 0x10, 0x80, 0xd2,
        0x01, 0x00, 0x00, 0xd4, 0xe0, 0x03, 0x00, 0x91, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2,
        0x03, 0x01, 0x80, 0xd2, 0x28, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0x1f, 0x44, 0x00, 0xf1,
        0x00, 0x01, 0x00, 0x54, 0x1f, 0x08, 0x00, 0xf1, 0x60, 0x00, 0x00, 0x54, 0x1f, 0x3c, 0x00, 0xf1,
        0xa1, 0xfe, 0xff, 0x54, 0x00, 0x00, 0x80, 0xd2, 0xc8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4,
        0x00, 0x00, 0x80, 0x92, 0x01, 0x00, 0x80, 0xd2, 0x22, 0x00, 0x80, 0xd2, 0x03, 0x00, 0x80, 0xd2,
        0x88, 0x20, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0x1f, 0x00, 0x00, 0xf1, 0x2c, 0xff, 0xff, 0x54,
        0xe9, 0xff, 0xff, 0x17,
    ];
}
