using System.Globalization;
using System.Numerics;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary><c>'%s has %d'.format([…])</c>.</summary>
static class Formatting
{
    const int DefaultPrecision = 6, MaxPrecision = 1000, MaxDepth = 100;

    public static CelValue Format(string format, CelList args)
    {
        var to = new StringBuilder();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (to.Length > CelLimits.MaxProduct) return CelError.TooLarge;
            if (format[i] != '%') { to.Append(format[i]); continue; }
            if (i + 1 < format.Length && format[i + 1] == '%') { to.Append('%'); i++; continue; }
            if (next >= args.Count) return new CelError($"index {next} out of range");
            if (++i >= format.Length) return new CelError("unexpected end of string");
            int? precision = null;
            if (format[i] == '.')
            {
                int from = ++i;
                while (i < format.Length && char.IsAsciiDigit(format[i])) i++;
                if (i >= format.Length) return Clause("error while parsing precision: could not find end of precision specifier");
                if (!int.TryParse(format.AsSpan(from, i - from), NumberStyles.None, CultureInfo.InvariantCulture, out int p) || p > MaxPrecision)
                    return Clause($"error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \"{format[from..i]}\": invalid syntax");
                precision = p;
            }
            var (text, error) = One(format[i], precision ?? DefaultPrecision, args[next++]);
            if (text is null) return new CelError(error!);
            to.Append(text);
        }
        return to.ToString();

        static CelError Clause(string reason) => new("could not parse formatting clause: " + reason);
    }

    static (string? Text, string? Error) One(char verb, int precision, CelValue value)
    {
        switch (verb)
        {
            case 's':
                if (value is CelOptional or CelExtension or CelObject or CelError)
                    return Wrong("string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps", value);
                return value is CelList or CelMap ? (Nested(value, 0), null)
                    : value is CelNull ? ("null", null)
                    : Conversions.ToText(value) is CelString plain ? (plain.Value, null)
                    : (null, "error during formatting: could not convert argument to string");
            case 'd':
                return value is CelInt or CelUint ? (((CelString)Conversions.ToText(value)).Value, null) : Wrong("decimal clause can only be used on integers", value);
            case 'f' or 'e':
                if (Number(value) is not { } d) return Wrong(verb == 'f' ? "fixed-point clause can only be used on doubles" : "scientific clause can only be used on doubles", value);
                if (double.IsNaN(d)) return ("NaN", null);
                if (double.IsInfinity(d)) return (d > 0 ? "∞" : "-∞", null);
                return (verb == 'f' ? d.ToString("N" + precision, CultureInfo.InvariantCulture) : Scientific(d, precision), null);
            case 'b':
                return value is CelBool b ? (b.Value ? "1" : "0", null) : Whole(value) is { } bits ? (Digits(bits, 2), null) : Wrong("only integers and bools can be formatted as binary", value);
            case 'o':
                return Whole(value) is { } octal ? (Digits(octal, 8), null) : Wrong("octal clause can only be used on integers", value);
            case 'x' or 'X':
                string? hex = value switch
                {
                    CelString s => System.Convert.ToHexStringLower(Encoding.UTF8.GetBytes(s.Value)),
                    CelBytes bytes => System.Convert.ToHexStringLower(bytes.Value.Span),
                    _ => Whole(value) is { } number ? Digits(number, 16) : null,
                };
                return hex is null ? Wrong("only integers, byte buffers, and strings can be formatted as hex", value) : (verb == 'X' ? hex.ToUpperInvariant() : hex, null);
            default: return (null, $"could not parse formatting clause: unrecognized formatting clause \"{verb}\"");
        }
    }

    static (string?, string) Wrong(string rule, CelValue value) => (null, $"error during formatting: {rule}, was given {value.Type.Name}");

    static double? Number(CelValue value) => value switch
    {
        CelDouble d => d.Value,
        CelString { Value: "NaN" } => double.NaN,
        CelString { Value: "Infinity" } => double.PositiveInfinity,
        CelString { Value: "-Infinity" } => double.NegativeInfinity,
        _ => null,
    };

    static BigInteger? Whole(CelValue value) => value switch { CelInt i => i.Value, CelUint u => u.Value, _ => null };

    static string Digits(BigInteger value, int radix)
    {
        if (value.IsZero) return "0";
        var digits = new StringBuilder();
        for (var rest = BigInteger.Abs(value); !rest.IsZero; rest /= radix) digits.Insert(0, "0123456789abcdef"[(int)(rest % radix)]);
        return (value.Sign < 0 ? "-" : "") + digits;
    }

    /// <summary>As upstream's localized printer for English: <c>1.052033 × 10³</c>.</summary>
    static string Scientific(double value, int precision)
    {
        string text = value.ToString("e" + precision, CultureInfo.InvariantCulture);
        int e = text.IndexOf('e');
        int exponent = int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var to = new StringBuilder(text, 0, e, text.Length + 8).Append("\u202f×\u202f10");
        string digits = Math.Abs(exponent).ToString("d2", CultureInfo.InvariantCulture);
        if (exponent < 0) to.Append('⁻');
        foreach (char c in digits) to.Append("⁰¹²³⁴⁵⁶⁷⁸⁹"[c - '0']);
        return to.ToString();
    }

    /// <summary>Values within lists and maps, as expressions would write them.</summary>
    static string Nested(CelValue value, int depth)
    {
        if (depth > MaxDepth) return "…";
        switch (value)
        {
            case CelString s: return GoQuote.Text(s.Value);
            case CelBytes b: return "b" + GoQuote.Text(Encoding.UTF8.GetString(b.Value.Span));
            case CelNull: return "null";
            case CelDouble d: return double.IsFinite(d.Value) ? d.Value.ToString("F6", CultureInfo.InvariantCulture) : GoQuote.Text(double.IsNaN(d.Value) ? "NaN" : d.Value > 0 ? "+Inf" : "-Inf");
            case CelTimestamp t: return "timestamp(" + GoQuote.Text(t.Text) + ")";
            case CelDuration d: return "duration(" + GoQuote.Text(d.Text) + ")";
            case CelList list: return "[" + string.Join(", ", Enumerable.Range(0, list.Count).Select(i => Nested(list[i], depth + 1))) + "]";
            case CelMap map:
                var pairs = map.Keys.Select(k => (Key: Nested(k, depth + 1), Value: Nested(map.Find(k)!, depth + 1)));
                return "{" + string.Join(", ", pairs.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + ":" + p.Value)) + "}";
            default: return Conversions.ToText(value) is CelString text ? text.Value : value.ToString();
        }
    }
}
