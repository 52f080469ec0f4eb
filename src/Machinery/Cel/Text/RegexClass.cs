using System.Globalization;
using System.Text;

namespace Hanbae.Machinery.Cel.Text;

/// <summary>A set of characters of RE2 as one of .NET, with those beyond 16 bits as pairs.</summary>
/// <param name="Text">The .NET pattern.</param>
sealed record RegexClass(string Text)
{
    const string Pairs = "[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]";
    public const string Any = "(?:" + Pairs + "|[\\s\\S])", AnyButNewline = "(?:" + Pairs + "|[^\\n])";

    static readonly Dictionary<string, string> s_posix = new(StringComparer.Ordinal)
    {
        ["alnum"] = "0-9A-Za-z", ["alpha"] = "A-Za-z", ["ascii"] = "\\x00-\\x7F", ["blank"] = "\\t ", ["cntrl"] = "\\x00-\\x1F\\x7F", ["digit"] = "0-9", ["graph"] = "!-~",
        ["lower"] = "a-z", ["print"] = " -~", ["punct"] = "!-/:-@\\[-`{-~", ["space"] = "\\t\\n\\v\\f\\r ", ["upper"] = "A-Z", ["word"] = "0-9A-Za-z_", ["xdigit"] = "0-9A-Fa-f",
    };

    static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal)
    {
        ["Latin"] = "A-Za-z\\u00AA\\u00BA\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02B8\\u1E00-\\u1EFF",
        ["Greek"] = "\\u0370-\\u0373\\u0375-\\u0377\\u037A-\\u037D\\u037F\\u0384\\u0386\\u0388-\\u03E1\\u03F0-\\u03FF\\u1F00-\\u1FFE",
        ["Cyrillic"] = "\\u0400-\\u052F\\u1C80-\\u1C88\\u1D2B\\u1D78\\u2DE0-\\u2DFF\\uA640-\\uA69F", ["Han"] = "\\u2E80-\\u2FD5\\u3005\\u3007\\u3021-\\u3029\\u3038-\\u303B\\u3400-\\u4DBF\\u4E00-\\u9FFF\\uF900-\\uFAD9",
        ["Hangul"] = "\\u1100-\\u11FF\\u302E\\u302F\\u3131-\\u318E\\u3200-\\u321E\\u3260-\\u327E\\uA960-\\uA97C\\uAC00-\\uD7A3\\uD7B0-\\uD7FB",
        ["Hiragana"] = "\\u3041-\\u3096\\u309D-\\u309F",
        ["Katakana"] = "\\u30A1-\\u30FA\\u30FD-\\u30FF\\u31F0-\\u31FF",
        ["Arabic"] = "\\u0600-\\u0604\\u0606-\\u060B\\u060D-\\u061A\\u061C-\\u061E\\u0620-\\u063F\\u0641-\\u064A\\u0656-\\u066F\\u0671-\\u06DC\\u06DE-\\u06FF\\u0750-\\u077F",
        ["Hebrew"] = "\\u0591-\\u05C7\\u05D0-\\u05EA\\u05EF-\\u05F4",
    };

    /// <summary>The ranges of a set, to write it positive or negated.</summary>
    static RegexClass Of(string ranges, bool negated, IReadOnlyList<(int From, int To)>? high = null)
    {
        if (negated) return new(high is null or [] ? $"(?:{Pairs}|[^{ranges}\\uD800-\\uDFFF])" : $"(?:{string.Join('|', Ranges(Complement(high)))}{(Complement(high).Any() ? "|" : "")}[^{ranges}\\uD800-\\uDFFF])");
        string low = ranges.Length == 0 ? "" : $"[{ranges}]";
        return high is null or [] ? new(low.Length == 0 ? "[^\\s\\S]" : low) : new($"(?:{string.Join('|', Ranges(high))}{(low.Length > 0 ? "|" + low : "")})");
    }

    static IEnumerable<(int From, int To)> Complement(IReadOnlyList<(int From, int To)> ranges)
    {
        int next = 0x10000;
        foreach (var (from, to) in ranges.OrderBy(r => r.From))
        {
            if (from > next) yield return (next, from - 1);
            next = Math.Max(next, to + 1);
        }
        if (next <= 0x10FFFF) yield return (next, 0x10FFFF);
    }

    /// <summary>Ranges of surrogate pairs.</summary>
    static IEnumerable<string> Ranges(IEnumerable<(int From, int To)> ranges)
    {
        foreach (var (first, last) in ranges)
            for (int from = first; from <= last;)
            {
                int lead = 0xD800 + ((from - 0x10000) >> 10), end = Math.Min(last, from | 0x3FF);
                int leadTo = lead;
                // Whole blocks go together.
                if ((from & 0x3FF) == 0 && (end & 0x3FF) == 0x3FF)
                {
                    int blocks = (last + 1 - from) >> 10;
                    (leadTo, end) = (lead + blocks - 1, from + (blocks << 10) - 1);
                }
                yield return $"[\\u{lead:X4}-\\u{leadTo:X4}][\\u{0xDC00 + (from & 0x3FF):X4}-\\u{0xDC00 + (end & 0x3FF):X4}]";
                from = end + 1;
            }
    }

    /// <summary><c>\d</c>, <c>\pL</c>, <c>\p{Greek}</c> and their opposites; null without an error when it is something else.</summary>
    public static RegexClass? Escaped(string pattern, ref int at, out string? error)
    {
        var (ranges, negated) = Named(pattern, ref at, out error);
        return ranges is null ? null : Of(ranges, negated);
    }

    static (string? Ranges, bool Negated) Named(string pattern, ref int at, out string? error)
    {
        error = null;
        char c = pattern[at + 1];
        string? simple = c switch { 'd' or 'D' => "0-9", 'w' or 'W' => "0-9A-Za-z_", 's' or 'S' => "\\t\\n\\f\\r ", _ => null };
        if (simple is not null) { at += 2; return (simple, char.IsUpper(c)); }
        if (c is not ('p' or 'P')) return default;
        int from = at, end;
        string name;
        if (at + 2 < pattern.Length && pattern[at + 2] == '{')
        {
            end = pattern.IndexOf('}', at);
            if (end < 0) { error = "invalid character class range: `" + pattern[at..] + "`"; return default; }
            name = pattern[(at + 3)..end++];
        }
        else
        {
            end = Math.Min(pattern.Length, at + 3);
            name = pattern[(at + 2)..end];
        }
        bool negated = c == 'P';
        if (name.StartsWith('^')) (name, negated) = (name[1..], !negated);
        at = end;
        if (name == "Any") return ("\\u0000-\\uFFFF", negated);
        if (s_scripts.TryGetValue(name, out string? script)) return (script, negated);
        if (name is "L" or "Lu" or "Ll" or "Lt" or "Lm" or "Lo" or "M" or "Mn" or "Mc" or "Me" or "N" or "Nd" or "Nl" or "No" or "P" or "Pc" or "Pd" or "Ps" or "Pe" or "Pi" or "Pf" or "Po"
            or "S" or "Sm" or "Sc" or "Sk" or "So" or "Z" or "Zs" or "Zl" or "Zp" or "C" or "Cc" or "Cf" or "Co") return ($"\\p{{{name}}}", negated);
        error = "invalid character class range: `" + pattern[from..end] + "`";
        return default;
    }

    /// <summary>One character behind a backslash.</summary>
    public static int? Character(string pattern, ref int at, out string? error)
    {
        error = null;
        int from = at;
        char c = at + 1 < pattern.Length ? pattern[at + 1] : '\0';
        at += 2;
        switch (c)
        {
            case 'a': return 7;
            case 'f': return '\f';
            case 't': return '\t';
            case 'n': return '\n';
            case 'r': return '\r';
            case 'v': return '\v';
            case '0' or (>= '1' and <= '7') when c == '0' || at < pattern.Length && pattern[at] is >= '0' and <= '7':
                int octal = c - '0';
                for (int i = 0; i < 2 && at < pattern.Length && pattern[at] is >= '0' and <= '7'; i++) octal = octal * 8 + (pattern[at++] - '0');
                return octal;
            case 'x' when at < pattern.Length:
                int end = pattern[at] == '{' ? pattern.IndexOf('}', at) : at + 2;
                int begin = pattern[at] == '{' ? at + 1 : at;
                if (end > begin && end <= pattern.Length && int.TryParse(pattern.AsSpan(begin, end - begin), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int hex) && Rune.IsValid(hex))
                {
                    at = begin == at ? end : end + 1;
                    return hex;
                }
                break;
            case < (char)0x80 when c != '\0' && !char.IsAsciiLetterOrDigit(c): return c;
        }
        error = "invalid escape sequence: `" + pattern[from..Math.Min(pattern.Length, from + 2)] + "`";
        return null;
    }

    /// <summary><c>[a-z[:digit:]\pL]</c>.</summary>
    public static RegexClass? Bracket(string pattern, ref int at, out string? error)
    {
        error = null;
        int open = at++;
        bool negated = at < pattern.Length && pattern[at] == '^';
        if (negated) at++;
        var ranges = new StringBuilder();
        var high = new List<(int, int)>();
        for (bool first = true; ; first = false)
        {
            if (at >= pattern.Length) { error = "missing closing ]: `" + pattern[open..] + "`"; return null; }
            if (pattern[at] == ']' && !first) { at++; return Of(ranges.ToString(), negated, high); }
            if (pattern[at] == '[' && at + 1 < pattern.Length && pattern[at + 1] == ':' && pattern.IndexOf(":]", at + 2, StringComparison.Ordinal) is >= 0 and var end)
            {
                string name = pattern[(at + 2)..end];
                bool not = name.StartsWith('^');
                if (!s_posix.TryGetValue(not ? name[1..] : name, out string? posix)) { error = "invalid character class range: `" + pattern[at..(end + 2)] + "`"; return null; }
                ranges.Append(not ? Complemented(posix) : posix);
                if (not) high.Add((0x10000, 0x10FFFF));
                at = end + 2;
                continue;
            }
            if (pattern[at] == '\\' && at + 1 < pattern.Length)
            {
                var (named, opposite) = Named(pattern, ref at, out error);
                if (error is not null) return null;
                if (named is not null)
                {
                    ranges.Append(opposite ? Complemented(named) : named);
                    if (opposite) high.Add((0x10000, 0x10FFFF));
                    continue;
                }
            }
            int begin = at;
            if (One(pattern, ref at, out error) is not { } low) return null;
            int to = low;
            if (at + 1 < pattern.Length && pattern[at] == '-' && pattern[at + 1] != ']')
            {
                at++;
                if (One(pattern, ref at, out error) is not { } up) return null;
                to = up;
                if (to < low) { error = "invalid character class range: `" + pattern[begin..at] + "`"; return null; }
            }
            if (low <= 0xFFFF) ranges.Append($"\\u{low:X4}-\\u{Math.Min(to, 0xFFFF):X4}");
            if (to > 0xFFFF) high.Add((Math.Max(low, 0x10000), to));
        }
    }

    /// <summary>The opposite of a simple set, within another.</summary>
    static string Complemented(string ranges) => ranges switch
    {
        "0-9" => "\\u0000-/:-\\uFFFF",
        "0-9A-Za-z_" => "\\u0000-/:-@\\[-\\^`{-\\uFFFF",
        "\\t\\n\\f\\r " => "\\u0000-\\u0008\\u000B\\u000E-\\u001F!-\\uFFFF",
        _ when ranges.StartsWith("\\p", StringComparison.Ordinal) => "\\P" + ranges[2..],
        _ => "\\u0080-\\uFFFF",
    };

    static int? One(string pattern, ref int at, out string? error)
    {
        error = null;
        if (at >= pattern.Length) { error = "missing closing ]: `" + pattern + "`"; return null; }
        if (pattern[at] == '\\') return Character(pattern, ref at, out error);
        if (at + 1 < pattern.Length && char.IsSurrogatePair(pattern[at], pattern[at + 1]))
        {
            at += 2;
            return char.ConvertToUtf32(pattern[at - 2], pattern[at - 1]);
        }
        return pattern[at++];
    }
}
