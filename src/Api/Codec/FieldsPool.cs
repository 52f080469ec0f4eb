using System.Runtime.InteropServices;

namespace Hanbae.Api.Codec;

/// <summary>Hands out one shared array for field sets that recur: of managedFields, which objects of one shape have alike.</summary>
/// <remarks>A direct-mapped table: a miss replaces. Races lose a share, never a value. Bound: 512 sets of at most 8 KiB.</remarks>
public static class FieldsPool
{
    public const int Longest = 8 << 10;
    const int Size = 512;
    static readonly byte[]?[] s_table = new byte[]?[Size];

    /// <summary>Whether it begins as a field set does; one with blanks in it is not canonical and not shared.</summary>
    public static bool Holds(ReadOnlySpan<byte> json) => json.Length <= Longest && json.StartsWith("{\"f:"u8) && !json.ContainsAny(" \n\r\t"u8);

    /// <param name="json">At most <see cref="Longest"/> bytes.</param>
    public static byte[] Get(ReadOnlySpan<byte> json)
    {
        ref byte[]? slot = ref s_table[Hash(json) & (Size - 1)];
        byte[]? seen = slot;
        if (seen is not null && json.SequenceEqual(seen)) return seen;
        return slot = json.ToArray();
    }

    static uint Hash(ReadOnlySpan<byte> json)
    {
        ulong hash = (ulong)json.Length;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(json)) hash = (hash ^ word) * 0x9E3779B97F4A7C15;
        for (int i = json.Length & ~7; i < json.Length; i++) hash = (hash ^ json[i]) * 0xC2B2AE3D27D4EB4F;
        return (uint)(hash >> 40);
    }
}
