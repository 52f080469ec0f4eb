using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Hanbae.Api;

/// <summary>An immutable run of bytes with structural equality: the value of a Secret.</summary>
/// <param name="bytes">Handed over: not to be changed afterwards.</param>
public readonly struct Bytes(byte[]? bytes) : IEquatable<Bytes>
{
    readonly byte[]? _bytes = bytes;

    public static Bytes FromText(string text) => new(Encoding.UTF8.GetBytes(text));

    public bool IsNil => _bytes is null;
    public int Length => _bytes?.Length ?? 0;
    public ReadOnlySpan<byte> Span => _bytes;
    public ReadOnlyMemory<byte> Memory => _bytes;
    /// <summary>The bytes read as UTF-8.</summary>
    public string ToText() => Encoding.UTF8.GetString(Span);

    public bool Equals(Bytes other) => Span.SequenceEqual(other.Span);
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Bytes other && Equals(other);
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }
    public static bool operator ==(Bytes a, Bytes b) => a.Equals(b);
    public static bool operator !=(Bytes a, Bytes b) => !a.Equals(b);
}

/// <summary>A JSON value kept as it came.</summary>
/// <param name="utf8">Valid JSON, handed over: not to be changed afterwards. Null is absent.</param>
public readonly struct RawJson(byte[]? utf8) : IEquatable<RawJson>
{
    readonly byte[]? _utf8 = utf8;

    public bool IsNil => _utf8 is null;
    public ReadOnlySpan<byte> Span => _utf8;
    public ReadOnlyMemory<byte> Memory => _utf8;

    public bool Equals(RawJson other) => Span.SequenceEqual(other.Span);
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is RawJson other && Equals(other);
    public override int GetHashCode() => new Bytes(_utf8).GetHashCode();
    public override string ToString() => _utf8 is null ? "null" : Encoding.UTF8.GetString(_utf8);
    public static bool operator ==(RawJson a, RawJson b) => a.Equals(b);
    public static bool operator !=(RawJson a, RawJson b) => !a.Equals(b);
}
