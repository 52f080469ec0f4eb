namespace Hanbae.Api.Codec;

/// <summary>Hands out one shared array for field sets that recur: of managedFields, which objects of one shape have alike.</summary>
/// <remarks>A direct-mapped table: a miss replaces. Races lose a share, never a value. Bound: 512 sets of at most 8 KiB.</remarks>
static class FieldsPool
{
    const int Size = 512, Longest = 8 << 10;
    static readonly byte[]?[] s_table = new byte[]?[Size];

    /// <summary>Whether it begins as a field set does; one with blanks in it is not canonical and not shared.</summary>
    public static bool Holds(ReadOnlySpan<byte> json) => json.Length <= Longest && json.StartsWith("{\"f:"u8) && !json.ContainsAny(" \n\r\t"u8);

    public static byte[] Get(ReadOnlySpan<byte> json)
    {
        var hash = new HashCode();
        hash.AddBytes(json);
        ref byte[]? slot = ref s_table[hash.ToHashCode() & (Size - 1)];
        byte[]? seen = slot;
        if (seen is not null && json.SequenceEqual(seen)) return seen;
        return slot = json.ToArray();
    }
}
