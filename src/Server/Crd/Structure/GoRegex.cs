using System.Text;
using System.Text.RegularExpressions;

namespace Hanbae.Server.Crd.Structure;

/// <summary>Makes a .NET expression of one in Go's syntax, with the same promise: matching takes time in proportion to the input.</summary>
static class GoRegex
{
    /// <summary>Null when it is no regular expression, or asks for what Go has not (lookaround, back references).</summary>
    public static Regex? Of(string pattern)
    {
        try { return new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant); }
        catch (Exception e) when (e is ArgumentException or NotSupportedException) { return null; }
    }

    static string Translate(string pattern)
    {
        var to = new StringBuilder(pattern.Length + 8);
        bool multiline = false, inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            switch (c)
            {
                case '\\' when i + 1 < pattern.Length:
                    char next = pattern[++i];
                    switch (next)
                    {
                        case 'z': to.Append("\\z"); break;
                        case 'Q':
                            int end = pattern.IndexOf("\\E", i, StringComparison.Ordinal);
                            string literal = end < 0 ? pattern[(i + 1)..] : pattern[(i + 1)..end];
                            to.Append(Regex.Escape(literal));
                            i = end < 0 ? pattern.Length : end + 1;
                            break;
                        // Go's classes are of ASCII.
                        case 'd': to.Append(inClass ? "0-9" : "[0-9]"); break;
                        case 'D' when !inClass: to.Append("[^0-9]"); break;
                        case 'w': to.Append(inClass ? "0-9A-Za-z_" : "[0-9A-Za-z_]"); break;
                        case 'W' when !inClass: to.Append("[^0-9A-Za-z_]"); break;
                        case 's': to.Append(inClass ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]"); break;
                        case 'S' when !inClass: to.Append("[^\\t\\n\\f\\r ]"); break;
                        case 'x' when i + 1 < pattern.Length && pattern[i + 1] == '{':
                            int close = pattern.IndexOf('}', i);
                            if (close < 0) throw new ArgumentException("unclosed \\x{");
                            int code = int.Parse(pattern.AsSpan(i + 2, close - i - 2), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
                            if (code > 0xFFFF) throw new ArgumentException("beyond the basic plane");
                            to.Append("\\u").Append(code.ToString("X4", System.Globalization.CultureInfo.InvariantCulture));
                            i = close;
                            break;
                        case >= '1' and <= '9': throw new ArgumentException("back references are not supported");
                        default: to.Append('\\').Append(next); break;
                    }
                    break;
                case '[' when !inClass:
                    inClass = true;
                    to.Append('[');
                    if (i + 1 < pattern.Length && pattern[i + 1] == '^') { to.Append('^'); i++; }
                    if (i + 1 < pattern.Length && pattern[i + 1] == ']') { to.Append("\\]"); i++; }
                    break;
                case '[' when i + 1 < pattern.Length && pattern[i + 1] == ':':
                    int stop = pattern.IndexOf(":]", i, StringComparison.Ordinal);
                    if (stop < 0) throw new ArgumentException("unclosed class");
                    to.Append(Posix(pattern[(i + 2)..stop]));
                    i = stop + 1;
                    break;
                case '[': to.Append("\\["); break;
                case ']' when inClass: inClass = false; to.Append(']'); break;
                // Without (?m) Go's $ is the very end; .NET's is also before a last newline.
                case '$' when !inClass: to.Append(multiline ? "$" : "\\z"); break;
                case '(' when !inClass && pattern.AsSpan(i).StartsWith("(?P<"): to.Append("(?<"); i += 3; break;
                case '(' when !inClass && i + 2 < pattern.Length && pattern[i + 1] == '?' && pattern[i + 2] is '=' or '!' or '>': throw new ArgumentException("lookaround is not supported");
                case '(' when !inClass && i + 2 < pattern.Length && pattern[i + 1] == '?' && char.IsAsciiLetterLower(pattern[i + 2]):
                    int flags = i + 2;
                    while (flags < pattern.Length && pattern[flags] is not (')' or ':'))
                        multiline |= pattern[flags++] == 'm';
                    to.Append('(');
                    break;
                default: to.Append(c); break;
            }
        }
        return to.ToString();
    }

    static string Posix(string name) => name switch
    {
        "alnum" => "0-9A-Za-z", "alpha" => "A-Za-z", "ascii" => "\\x00-\\x7F", "blank" => "\\t ", "cntrl" => "\\x00-\\x1F\\x7F", "digit" => "0-9", "graph" => "!-~",
        "lower" => "a-z", "print" => " -~", "punct" => "!-/:-@\\[-`{-~", "space" => "\\t\\n\\v\\f\\r ", "upper" => "A-Z", "word" => "0-9A-Za-z_", "xdigit" => "0-9A-Fa-f",
        _ => throw new ArgumentException("invalid character class range"),
    };
}
