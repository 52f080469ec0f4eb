using System.Globalization;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Yaml;

/// <summary>What a plain scalar means: YAML 1.1 as go-yaml v2 reads it, where <c>yes</c>, <c>on</c> and <c>y</c> are true.</summary>
static class YamlScalars
{
    /// <summary>Whether the text would not be a string when written plain.</summary>
    public static bool NeedsQuotes(string text) => Resolve(text) is not null || IsTimestamp(text) || text == "<<" || IsBase60(text);

    /// <summary>The value of a plain scalar that is not a string, or null when it is one.</summary>
    /// <exception cref="YamlException">It is a number that JSON cannot say.</exception>
    public static JsonValue? Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL": return JsonNull.Instance;
            case "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON": return JsonBool.True;
            case "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF": return JsonBool.False;
        }
        char first = text[0];
        if (first is not ('+' or '-' or '.') && !char.IsAsciiDigit(first)) return null;
        if (first == '.') return text is ".nan" or ".NaN" or ".NAN" ? Unsayable("NaN")
            : text is ".inf" or ".Inf" or ".INF" ? Unsayable("+Inf") : IsFloat(text) ? Float(text) : null;
        if (text.Length > 1 && text[1] == '.' && text[1..] is ".inf" or ".Inf" or ".INF") return Unsayable(first == '-' ? "-Inf" : "+Inf");

        string plain = text.Contains('_') ? text.Replace("_", "") : text;
        return Integer(plain) ?? (IsFloat(plain) ? Float(plain) : null);
    }

    // An infinity is a number to YAML, so writers must quote the word; readers fail, as json.Marshal does.
    static JsonNumber Unsayable(string value) =>
        JsonNumber.Of(value switch { "NaN" => double.NaN, "+Inf" => double.PositiveInfinity, _ => double.NegativeInfinity });

    /// <summary>Go's ParseInt with base 0: <c>0x1f</c>, <c>0o17</c>, <c>017</c>, <c>0b1</c>, up to uint64.</summary>
    static JsonNumber? Integer(string text)
    {
        var digits = text.AsSpan();
        bool negative = digits[0] == '-';
        if (digits[0] is '+' or '-') digits = digits[1..];
        if (digits.IsEmpty || !char.IsAsciiDigit(digits[0])) return null;
        int numberBase = 10;
        if (digits.Length > 1 && digits[0] == '0')
        {
            (numberBase, int skip) = digits[1] switch { 'x' or 'X' => (16, 2), 'o' or 'O' => (8, 2), 'b' or 'B' => (2, 2), _ => (8, 1) };
            digits = digits[skip..];
            if (digits.IsEmpty) return null;
        }
        UInt128 value = 0;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiHexDigit(c) ? (c | 0x20) - 'a' + 10 : 99;
            if (digit >= numberBase) return null;
            value = value * (uint)numberBase + (uint)digit;
            if (value > ulong.MaxValue) return null;
        }
        if (negative) return value <= 1UL << 63 ? JsonNumber.Of((long)-(Int128)value) : null;
        // uint64 beyond int64: the digits survive, as they do in upstream's JSON.
        if (text[0] == '+' && value > long.MaxValue) return null;
        return value <= long.MaxValue ? JsonNumber.Of((long)value) : (JsonNumber)JsonValue.Parse(value.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary><c>[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?</c></summary>
    static bool IsFloat(ReadOnlySpan<char> text)
    {
        int at = text[0] is '+' or '-' ? 1 : 0;
        int whole = Digits(text, ref at);
        if (at < text.Length && text[at] == '.')
        {
            at++;
            if (Digits(text, ref at) == 0 && whole == 0) return false;
        }
        else if (whole == 0) return false;
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            at++;
            if (at < text.Length && text[at] is '+' or '-') at++;
            if (Digits(text, ref at) == 0) return false;
        }
        return at == text.Length;
    }

    static int Digits(ReadOnlySpan<char> text, ref int at)
    {
        int from = at;
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return at - from;
    }

    /// <summary>Upstream goes through JSON text, so <c>1.0</c> arrives as the integer 1.</summary>
    static JsonValue? Float(string text)
    {
        double value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? JsonValue.Parse(GoFloat.ToString(value, GoFloat.Style.Json)) : null;
    }

    /// <summary>The timestamps of YAML 1.1 that go-yaml knows; they are read as strings and written quoted.</summary>
    static bool IsTimestamp(string text)
    {
        if (text.Length < 8 || text[4] != '-') return false;
        var s = text.AsSpan();
        if (Number(ref s, 4, 4) is not { } year || !Skip(ref s, '-') || Number(ref s, 1, 2) is not { } month || !Skip(ref s, '-')
            || Number(ref s, 1, 2) is not { } day || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(Math.Max(year, 1), month)) return false;
        if (s.IsEmpty) return true;
        bool zoned = s[0] is 'T' or 't';
        if (!zoned && s[0] != ' ') return false;
        s = s[1..];
        if (Number(ref s, 1, 2) is not < 24 || !Skip(ref s, ':') || Number(ref s, 1, 2) is not < 60
            || !Skip(ref s, ':') || Number(ref s, 1, 2) is not < 60) return false;
        if (s.Length > 1 && s[0] is '.' or ',' && char.IsAsciiDigit(s[1]))
        {
            s = s[1..];
            while (!s.IsEmpty && char.IsAsciiDigit(s[0])) s = s[1..];
        }
        if (!zoned) return s.IsEmpty;
        if (s is "Z") return true;
        return s.Length == 6 && s[0] is '+' or '-' && s[3] == ':'
            && char.IsAsciiDigit(s[1]) && char.IsAsciiDigit(s[2]) && char.IsAsciiDigit(s[4]) && char.IsAsciiDigit(s[5]);
    }

    static int? Number(ref ReadOnlySpan<char> s, int from, int to)
    {
        int n = 0, value = 0;
        while (n < to && n < s.Length && char.IsAsciiDigit(s[n])) value = value * 10 + (s[n++] - '0');
        s = s[n..];
        return n >= from ? value : null;
    }

    static bool Skip(ref ReadOnlySpan<char> s, char c)
    {
        if (s.IsEmpty || s[0] != c) return false;
        s = s[1..];
        return true;
    }

    /// <summary><c>190:20:30</c> is a number to YAML 1.1 readers other than go-yaml, so it is quoted for them.</summary>
    static bool IsBase60(string text)
    {
        if (!text.Contains(':')) return false;
        int at = text[0] is '+' or '-' ? 1 : 0;
        if (at >= text.Length || !char.IsAsciiDigit(text[at])) return false;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '_')) at++;
        int groups = 0;
        for (; at < text.Length && text[at] == ':'; groups++)
        {
            int from = ++at;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            if (at == from || at - from > 2 || (at - from == 2 && text[from] > '5')) return false;
        }
        if (groups > 0 && at < text.Length && text[at] == '.')
        {
            at++;
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '_')) at++;
        }
        return groups > 0 && at == text.Length;
    }
}
