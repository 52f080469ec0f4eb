using System.Buffers;
using System.Text;

namespace Hanbae.Server.Front;

/// <summary>Refuses headers that Kestrel would take and another server, before or behind this one, may read otherwise (RFC 9110, 5.1 and 8.6).</summary>
/// <remarks>Kestrel asks by what encoding to read each header: that is where a length with a sign, and names that are none, come to nothing. All else is read as it would be.</remarks>
sealed class StrictHeaders : Encoding
{
    static readonly SearchValues<char> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    static readonly StrictHeaders s_length = new(true), s_none = new(false);

    readonly bool _isLength;

    StrictHeaders(bool isLength) => _isLength = isLength;

    public static Encoding? Of(string name) => name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) ? s_length
        // Those of HTTP/2 that begin with a colon are Kestrel's to judge.
        : name.AsSpan(name.StartsWith(':') ? 1 : 0).ContainsAnyExcept(s_token) ? s_none : null;

    /// <summary>Digits as they are; what is none becomes what is no number.</summary>
    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        Refuse();
        int count = Math.Min(bytes.Length, chars.Length);
        for (int i = 0; i < count; i++) chars[i] = bytes[i] is >= (byte)'0' and <= (byte)'9' ? (char)bytes[i] : 'x';
        return count;
    }

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) => GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    public override int GetCharCount(byte[] bytes, int index, int count) => count;
    public override int GetMaxCharCount(int byteCount) => byteCount;

    /// <summary>What Kestrel answers with 400, or the end of a connection.</summary>
    void Refuse()
    {
        if (!_isLength) throw new DecoderFallbackException("a header's name is no token");
    }

    // Of what is read, never of what is written.
    public override int GetByteCount(char[] chars, int index, int count) => count;
    public override int GetMaxByteCount(int charCount) => charCount;
    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) => throw new NotSupportedException();
}
