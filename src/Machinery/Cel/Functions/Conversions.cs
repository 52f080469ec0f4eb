using System.Globalization;
using System.Text;
using Hanbae.Machinery.Cel.Text;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>From one type to another: what does not fit is an error.</summary>
static class Conversions
{
    static readonly CelType Int = CelType.Int, Uint = CelType.Uint, Double = CelType.Double, String = CelType.String, Bytes = CelType.Bytes;
    static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    public static void Add(FunctionList f)
    {
        f.Global("type", "type", [FunctionList.A], CelType.TypeOf(FunctionList.A), (x, _) => new CelTypeValue(x[0].Type));
        f.Global("dyn", "to_dyn", [FunctionList.A], CelType.Dyn, (x, _) => x[0]);

        f.Global("bool", "bool_to_bool", [CelType.Bool], CelType.Bool, (x, _) => x[0]);
        f.Global("bool", "string_to_bool", [String], CelType.Bool, (x, _) => ((CelString)x[0]).Value switch
        {
            "1" or "t" or "T" or "TRUE" or "true" or "True" => CelBool.True,
            "0" or "f" or "F" or "FALSE" or "false" or "False" => CelBool.False,
            _ => CelError.Conversion(x[0], CelType.Bool),
        });

        f.Global("bytes", "bytes_to_bytes", [Bytes], Bytes, (x, _) => x[0]);
        f.Global("bytes", "string_to_bytes", [String], Bytes, (x, _) => new CelBytes(Encoding.UTF8.GetBytes(((CelString)x[0]).Value)));

        f.Global("double", "double_to_double", [Double], Double, (x, _) => x[0]);
        f.Global("double", "int64_to_double", [Int], Double, (x, _) => new CelDouble(((CelInt)x[0]).Value));
        f.Global("double", "string_to_double", [String], Double, (x, _) => ToDouble(((CelString)x[0]).Value) is { } d ? new CelDouble(d) : CelError.Conversion(x[0], Double));
        f.Global("double", "uint64_to_double", [Uint], Double, (x, _) => new CelDouble(((CelUint)x[0]).Value));

        f.Global("int", "int64_to_int64", [Int], Int, (x, _) => x[0]);
        f.Global("int", "double_to_int64", [Double], Int, (x, _) => ((CelDouble)x[0]).Value is var d && d > -9223372036854775808.0 && d < 9223372036854775807.0 ? CelInt.Of((long)d) : CelError.IntOverflow);
        f.Global("int", "duration_to_int64", [CelType.Duration], Int, (x, _) => ((CelDuration)x[0]).Nanoseconds);
        f.Global("int", "string_to_int64", [String], Int, (x, _) =>
            long.TryParse(((CelString)x[0]).Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long i) ? CelInt.Of(i) : CelError.Conversion(x[0], Int));
        f.Global("int", "timestamp_to_int64", [CelType.Timestamp], Int, (x, _) => ((CelTimestamp)x[0]).Seconds);
        f.Global("int", "uint64_to_int64", [Uint], Int, (x, _) => ((CelUint)x[0]).Value is var u && u <= long.MaxValue ? CelInt.Of((long)u) : CelError.IntOverflow);

        f.Global("uint", "uint64_to_uint64", [Uint], Uint, (x, _) => x[0]);
        f.Global("uint", "double_to_uint64", [Double], Uint, (x, _) => ((CelDouble)x[0]).Value is var d && d >= 0 && d < 18446744073709551615.0 ? new CelUint((ulong)d) : CelError.UintOverflow);
        f.Global("uint", "int64_to_uint64", [Int], Uint, (x, _) => ((CelInt)x[0]).Value is var i && i >= 0 ? new CelUint((ulong)i) : CelError.UintOverflow);
        f.Global("uint", "string_to_uint64", [String], Uint, (x, _) =>
            ulong.TryParse(((CelString)x[0]).Value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong u) ? new CelUint(u) : CelError.Conversion(x[0], Uint));

        foreach (var (id, type) in (ReadOnlySpan<(string, CelType)>)[("string_to_string", String), ("bool_to_string", CelType.Bool), ("bytes_to_string", Bytes), ("double_to_string", Double),
            ("duration_to_string", CelType.Duration), ("int64_to_string", Int), ("timestamp_to_string", CelType.Timestamp), ("uint64_to_string", Uint)])
            f.Global("string", id, [type], String, (x, _) => ToText(x[0]));

        f.Global("timestamp", "timestamp_to_timestamp", [CelType.Timestamp], CelType.Timestamp, (x, _) => x[0]);
        f.Global("timestamp", "int64_to_timestamp", [Int], CelType.Timestamp, (x, _) =>
            ((CelInt)x[0]).Value is >= CelTimestamp.MinSeconds and <= CelTimestamp.MaxSeconds and var s ? new CelTimestamp(s, 0) : CelError.TimestampOverflow);
        f.Global("timestamp", "string_to_timestamp", [String], CelType.Timestamp, (x, _) => CelTimestamp.Parse(((CelString)x[0]).Value) is { } t ? t : CelError.Conversion(x[0], CelType.Timestamp));

        f.Global("duration", "duration_to_duration", [CelType.Duration], CelType.Duration, (x, _) => x[0]);
        f.Global("duration", "int64_to_duration", [Int], CelType.Duration, (x, _) => new CelDuration(((CelInt)x[0]).Value));
        f.Global("duration", "string_to_duration", [String], CelType.Duration, (x, _) => CelDuration.Parse(((CelString)x[0]).Value) is { } d ? d : CelError.Conversion(x[0], CelType.Duration));
    }

    static double? ToDouble(string text) => text switch
    {
        "NaN" or "nan" => double.NaN,
        "Inf" or "+Inf" or "inf" or "+inf" or "Infinity" or "+Infinity" or "infinity" => double.PositiveInfinity,
        "-Inf" or "-inf" or "-Infinity" or "-infinity" => double.NegativeInfinity,
        _ => text.Length > 0 && !char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1])
            && double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double d) && double.IsFinite(d) ? d : null,
    };

    /// <summary>What <c>string()</c> makes of a value.</summary>
    public static CelValue ToText(CelValue value)
    {
        switch (value)
        {
            case CelString: return value;
            case CelBool b: return b.Value ? "true" : "false";
            case CelInt i: return i.Value.ToString(CultureInfo.InvariantCulture);
            case CelUint u: return u.Value.ToString(CultureInfo.InvariantCulture);
            case CelDouble d: return ValueText.Double(d.Value);
            case CelTimestamp t: return t.Text;
            case CelDuration d: return d.Text;
            case CelTypeValue t: return t.Value.Name;
            case CelBytes b:
                try { return s_strict.GetString(b.Value.Span); }
                catch (DecoderFallbackException) { return new CelError("invalid UTF-8 in bytes, cannot convert to string"); }
            default: return CelError.Conversion(value, CelType.String);
        }
    }
}
