using System.Text;

namespace Hanbae.Machinery.Yaml;

/// <summary>Which styles can carry a text without changing it: libyaml's analysis, which go-yaml inherited.</summary>
readonly record struct ScalarShape(bool Multiline, bool PlainAllowed, bool SingleQuotedAllowed, bool BlockAllowed)
{
    public static ScalarShape Of(string value)
    {
        if (value.Length == 0) return new(false, true, true, false);
        bool indicators = value.StartsWith("---", StringComparison.Ordinal) || value.StartsWith("...", StringComparison.Ordinal);
        bool lineBreaks = false, special = false, edge = false, trailingSpace = false, breakSpace = false, spaceBreak = false;
        bool previousSpace = false, previousBreak = false, afterBlank = true;
        int length;
        for (int i = 0; i < value.Length; i += length)
        {
            var rune = Rune.TryGetRuneAt(value, i, out var known) ? known : Rune.ReplacementChar;
            length = rune.Utf16SequenceLength;
            bool last = i + length >= value.Length;
            bool beforeBlank = last || IsBlank(value[i + length]);
            indicators |= i == 0
                ? rune.Value is '#' or ',' or '[' or ']' or '{' or '}' or '&' or '*' or '!' or '|' or '>' or '\'' or '"' or '%' or '@' or '`'
                    || (rune.Value is '?' or ':' or '-' && beforeBlank)
                : (rune.Value == ':' && beforeBlank) || (rune.Value == '#' && afterBlank);
            special |= !IsPrintable(rune);
            if (rune.Value == ' ')
            {
                edge |= i == 0 || last;
                trailingSpace |= last;
                breakSpace |= previousBreak;
                (previousSpace, previousBreak) = (true, false);
            }
            else if (IsBreak(rune))
            {
                lineBreaks = true;
                edge |= i == 0 || last;
                spaceBreak |= previousSpace;
                (previousSpace, previousBreak) = (false, true);
            }
            else (previousSpace, previousBreak) = (false, false);
            afterBlank = IsBlank(value[i]);
        }
        bool broken = spaceBreak || special;
        return new(
            Multiline: lineBreaks,
            PlainAllowed: !edge && !breakSpace && !broken && !lineBreaks && !indicators,
            SingleQuotedAllowed: !breakSpace && !broken,
            BlockAllowed: !trailingSpace && !broken);
    }

    /// <summary>As go-yaml v2 has it: neither tabs nor anything beyond the basic plane.</summary>
    public static bool IsPrintable(Rune rune) =>
        rune.Value is 0x0a or (>= 0x20 and <= 0x7e) or (>= 0xa0 and <= 0xd7ff) or (>= 0xe000 and <= 0xfffd and not 0xfeff);

    public static bool IsBreak(Rune rune) => rune.Value is '\r' or '\n' or 0x85 or 0x2028 or 0x2029;

    static bool IsBlank(char c) => c is ' ' or '\t' or '\r' or '\n' or '\0' or '\u0085' or '\u2028' or '\u2029';
}
