using System.Runtime.InteropServices;
using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>Hands out one shared string for the short texts that recur in every object: label keys, names of protocols, images.</summary>
/// <remarks>A direct-mapped table: a miss replaces. Races lose a share, never a value. Bound: 4,096 strings of at most 40 bytes.</remarks>
static class StringPool
{
    const int Size = 4096, Longest = 40;
    static readonly string?[] Table = new string?[Size];

    public static string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length == 0) return "";
        if (utf8.Length > Longest) return Encoding.UTF8.GetString(utf8);
        ref string? slot = ref Table[Hash(utf8) & (Size - 1)];
        string? seen = slot;
        if (seen is not null && seen.Length == utf8.Length && Ascii.Equals(utf8, seen)) return seen;
        string text = Encoding.UTF8.GetString(utf8);
        slot = text;
        return text;
    }

    static uint Hash(ReadOnlySpan<byte> s)
    {
        ulong h;
        if (s.Length >= 8) h = MemoryMarshal.Read<ulong>(s) * 0x9E3779B97F4A7C15 ^ MemoryMarshal.Read<ulong>(s[^8..]);
        else if (s.Length >= 4) h = (ulong)MemoryMarshal.Read<uint>(s) << 32 ^ MemoryMarshal.Read<uint>(s[^4..]);
        else h = (ulong)s[0] << 16 ^ (ulong)s[s.Length / 2] << 8 ^ s[^1];
        if (s.Length >= 16) h = (h ^ MemoryMarshal.Read<ulong>(s[(s.Length / 2 - 4)..])) * 0xD6E8FEB86659FD93;
        h = (h ^ (ulong)s.Length) * 0xC2B2AE3D27D4EB4F;
        return (uint)(h >> 40);
    }
}
