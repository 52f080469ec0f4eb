using System.Text;

namespace Hanbae.Machinery.Apply;

/// <summary>Hands out one shared <see cref="PathElement"/> for what recurs in every object, found by its bytes.</summary>
/// <remarks>A direct-mapped table: a miss replaces. Races lose a share, never a value. Bound: 4,096 elements of at most 256 bytes.</remarks>
static class PathElements
{
    const int Size = 4096, Longest = 256;
    static readonly Slot?[] s_table = new Slot?[Size];

    sealed record Slot(PathKind Kind, byte[] Bytes, PathElement Element);

    /// <param name="utf8">A field's name without escapes, or a key's or value's JSON in canonical form.</param>
    public static PathElement Get(PathKind kind, ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > Longest) return PathElement.FromQuotedKey(kind, utf8);
        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref Slot? slot = ref s_table[(hash.ToHashCode() ^ (int)kind) & (Size - 1)];
        var seen = slot;
        if (seen is not null && seen.Kind == kind && utf8.SequenceEqual(seen.Bytes)) return seen.Element;
        var element = PathElement.FromQuotedKey(kind, utf8);
        slot = new(kind, utf8.ToArray(), element);
        return element;
    }

    public static PathElement Field(string name)
    {
        Span<byte> utf8 = stackalloc byte[Longest];
        return Encoding.UTF8.TryGetBytes(name, utf8, out int length) ? Get(PathKind.Field, utf8[..length]) : PathElement.Field(name);
    }
}
