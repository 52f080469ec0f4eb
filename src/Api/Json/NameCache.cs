using System.Buffers.Binary;
using System.Text;

namespace Hanbae.Api.Json;

/// <summary>Turns member names into strings without a new string each time: documents repeat the same few hundred names.</summary>
/// <remarks>
/// Bound: 1,024 names of at most 48 bytes; a colliding name takes the place of the older one. Entries are immutable and
/// swapped whole, so threads need no lock. Only ASCII names are kept, which makes comparing bytes enough.
/// </remarks>
static class NameCache
{
    const int Slots = 1024, LongestKept = 48;
    static readonly Entry?[] _slots = new Entry?[Slots];

    sealed record Entry(byte[] Utf8, string Text);

    public static string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > LongestKept) return Encoding.UTF8.GetString(utf8);
        ref var slot = ref _slots[Hash(utf8) & (Slots - 1)];
        if (slot is { } entry && utf8.SequenceEqual(entry.Utf8)) return entry.Text;
        string text = Encoding.UTF8.GetString(utf8);
        if (text.Length == utf8.Length) slot = new(utf8.ToArray(), text);
        return text;
    }

    static int Hash(ReadOnlySpan<byte> s)
    {
        ulong h;
        if (s.Length >= 8)
            h = BinaryPrimitives.ReadUInt64LittleEndian(s) * 31 ^ BinaryPrimitives.ReadUInt64LittleEndian(s[^8..]);
        else if (s.Length >= 4)
            h = ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(s) << 32) ^ BinaryPrimitives.ReadUInt32LittleEndian(s[^4..]);
        else
            h = s[0] | (uint)s[s.Length >> 1] << 8 | (uint)s[^1] << 16;
        h = (h ^ (uint)s.Length) * 0x9E3779B97F4A7C15;
        return (int)(h >> 40);
    }
}
