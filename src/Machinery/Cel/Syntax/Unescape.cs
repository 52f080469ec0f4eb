using System.Globalization;
using System.Text;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Resolves the escapes of string and bytes literals.</summary>
static class Unescape
{
    /// <returns>The text, or null with the reason.</returns>
    public static string? Text(ReadOnlySpan<char> literal, out string? error)
    {
        var body = Body(literal, out bool raw);
        error = null;
        if (raw || body.IndexOf('\\') < 0) return Newlines(body);
        var text = new StringBuilder(body.Length);
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] != '\\') { Plain(text, body, ref i); continue; }
            if (!Escape(body, ref i, bytes: false, out int code, out error)) return null;
            if (code is >= 0xD800 and < 0xE000 or > 0x10FFFF) { error = "unable to unescape string"; return null; }
            text.Append(new Rune(code).ToString());
        }
        return text.ToString();
    }

    public static byte[]? Bytes(ReadOnlySpan<char> literal, out string? error)
    {
        var body = Body(literal[1..], out bool raw);
        error = null;
        if (raw) return Encoding.UTF8.GetBytes(Newlines(body));
        var bytes = new List<byte>(body.Length);
        var plain = new StringBuilder();
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] != '\\') { Plain(plain, body, ref i); continue; }
            bytes.AddRange(Encoding.UTF8.GetBytes(plain.ToString()));
            plain.Clear();
            bool numeric = i + 1 < body.Length && body[i + 1] is 'x' or 'X' or (>= '0' and <= '9');
            if (!Escape(body, ref i, bytes: true, out int code, out error)) return null;
            if (numeric || code < 0x80) bytes.Add((byte)code);
            else if (!Rune.IsValid(code)) { error = "unable to unescape string"; return null; }
            else bytes.AddRange(utf8[..new Rune(code).EncodeToUtf8(utf8)]);
        }
        bytes.AddRange(Encoding.UTF8.GetBytes(plain.ToString()));
        return [.. bytes];
    }

    static ReadOnlySpan<char> Body(ReadOnlySpan<char> literal, out bool raw)
    {
        raw = literal[0] is 'r' or 'R';
        if (raw) literal = literal[1..];
        int quotes = literal.Length >= 6 && literal[1] == literal[0] && literal[2] == literal[0] ? 3 : 1;
        return literal[quotes..^quotes];
    }

    /// <summary>As cel-go: whatever ends a line is a line feed.</summary>
    static string Newlines(ReadOnlySpan<char> body) => body.IndexOf('\r') < 0 ? body.ToString() : body.ToString().Replace("\r\n", "\n").Replace('\r', '\n');

    static void Plain(StringBuilder to, ReadOnlySpan<char> body, ref int i)
    {
        if (body[i] == '\r')
        {
            if (i + 1 < body.Length && body[i + 1] == '\n') i++;
            to.Append('\n');
        }
        else to.Append(body[i]);
    }

    static bool Escape(ReadOnlySpan<char> body, ref int i, bool bytes, out int code, out string? error)
    {
        error = "unable to unescape string";
        code = 0;
        if (++i >= body.Length) return false;
        char c = body[i];
        int digits = c switch { 'x' or 'X' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            // Code points make no sense among bytes.
            if (bytes && digits > 2 || i + digits >= body.Length) return false;
            if (!int.TryParse(body.Slice(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code) || code < 0) return false;
            i += digits;
            error = null;
            return true;
        }
        if (c is >= '0' and <= '3')
        {
            if (i + 2 >= body.Length || body[i + 1] is < '0' or > '7' || body[i + 2] is < '0' or > '7') return false;
            code = (c - '0') * 64 + (body[i + 1] - '0') * 8 + (body[i + 2] - '0');
            i += 2;
            error = null;
            return true;
        }
        code = c switch
        {
            'a' => '\a', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', 'v' => '\v',
            '\\' => '\\', '\'' => '\'', '"' => '"', '`' => '`', '?' => '?', _ => -1,
        };
        if (code < 0) return false;
        error = null;
        return true;
    }
}
