using System.Globalization;

namespace Hanbae.Api.Json;

/// <summary>A number: an int64 where the literal is integral and fits, a double otherwise, as upstream decodes untyped JSON.</summary>
public sealed class JsonNumber : JsonValue
{
    const int SmallFrom = -1, SmallTo = 1024;
    static readonly JsonNumber[] _small = [.. Enumerable.Range(SmallFrom, SmallTo - SmallFrom + 1).Select(i => new JsonNumber(i, true, null))];

    readonly long _bits;

    JsonNumber(long bits, bool integer, string? raw) => (_bits, IsInteger, Raw) = (bits, integer, raw);

    public static JsonNumber Of(long value) =>
        value is >= SmallFrom and <= SmallTo ? _small[value - SmallFrom] : new(value, true, null);

    public static JsonNumber Of(double value) => new(BitConverter.DoubleToInt64Bits(value), false, null);

    /// <summary>A double that is printed as it was written: <c>1.0</c>, <c>1e3</c>, integers beyond int64.</summary>
    internal static JsonNumber Of(double value, string raw) => new(BitConverter.DoubleToInt64Bits(value), false, raw);

    public override JsonKind Kind => JsonKind.Number;

    /// <summary>Whether the value is an int64.</summary>
    public bool IsInteger { get; }

    /// <summary>The literal, where the value alone would not give it back.</summary>
    public string? Raw { get; }

    /// <summary>The int64; only when <see cref="IsInteger"/>.</summary>
    public long Int64 => IsInteger ? _bits : throw new InvalidOperationException("the number is not an integer");

    /// <summary>The value as a double, whichever it is.</summary>
    public double Double => IsInteger ? _bits : BitConverter.Int64BitsToDouble(_bits);

    /// <summary>An int64 exactly equal to the value, also for <c>1.0</c>.</summary>
    public bool TryGetInt64(out long value)
    {
        if (IsInteger) { value = _bits; return true; }
        double d = Double;
        bool exact = d >= -9223372036854775808.0 && d < 9223372036854775808.0 && Math.Truncate(d) == d;
        value = exact ? (long)d : 0;
        return exact;
    }

    /// <summary>Whether the two are one number, int or not.</summary>
    public bool SameNumber(JsonNumber other) => Compare(this, other) == 0;

    /// <summary>Numeric order across both representations, without rounding an int64 to a double.</summary>
    public static int Compare(JsonNumber a, JsonNumber b)
    {
        if (a.IsInteger && b.IsInteger) return a._bits.CompareTo(b._bits);
        if (!a.IsInteger && !b.IsInteger) return a.Double.CompareTo(b.Double);
        if (b.IsInteger) return -Compare(b, a);
        double right = b.Double;
        if (double.IsNaN(right)) return 1;
        if (right >= 9223372036854775808.0) return -1;
        if (right < -9223372036854775808.0) return 1;
        double floor = Math.Floor(right);
        int order = a._bits.CompareTo((long)floor);
        return order != 0 ? order : floor < right ? -1 : 0;
    }

    public override bool Equals(JsonValue? other) =>
        other is JsonNumber n && n.IsInteger == IsInteger && (_bits == n._bits || (!IsInteger && Double == n.Double));

    public override int GetHashCode() => IsInteger ? _bits.GetHashCode() : Double.GetHashCode();

    /// <summary>The number as Go's encoding/json writes it.</summary>
    internal int FormatGo(Span<char> to)
    {
        if (IsInteger) { _bits.TryFormat(to, out int n, provider: CultureInfo.InvariantCulture); return n; }
        return GoFloat.Format(Double, to, GoFloat.Style.Json);
    }
}
