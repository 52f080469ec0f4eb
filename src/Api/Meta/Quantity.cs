using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Hanbae.Api;

/// <summary>How a <see cref="Quantity"/> was written, and so how it is printed.</summary>
public enum QuantityFormat : byte
{
    /// <summary><c>12M</c> is 12 × 10⁶.</summary>
    DecimalSI,
    /// <summary><c>12Mi</c> is 12 × 2²⁰.</summary>
    BinarySI,
    /// <summary><c>12e6</c>.</summary>
    DecimalExponent,
}

/// <summary>An exact amount of something: cpu, memory, counts. <c>default</c> is zero.</summary>
/// <remarks>
/// A value × 10^scale in 64 bits, or a big integer where that does not suffice. Two quantities are equal when their
/// amounts are, however they are written (<c>1</c>, <c>1000m</c>, <c>1e0</c>), as upstream's semantic equality has it;
/// compare <see cref="ToString"/> for equality of text. As upstream: nothing is finer than 1n (finer is rounded away from
/// zero), binary amounts are capped at 2^63-1, and a text that upstream deems canonical enough is printed back as it was.
/// </remarks>
public readonly partial struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    public const int Nano = -9, Micro = -6, Milli = -3, Kilo = 3, Mega = 6, Giga = 9;

    readonly long _value;
    /// <summary>A text to print instead of the computed one (string), or the amount itself (Big), or null.</summary>
    readonly object? _more;
    readonly short _scale;

    sealed record Big(BigInteger Value);

    Quantity(long value, int scale, QuantityFormat format, object? more = null) =>
        (_value, _scale, Format, _more) = (value, (short)scale, format, more);

    public Quantity(long value, QuantityFormat format = QuantityFormat.DecimalSI) : this(value, 0, format) { }

    public static Quantity FromMilli(long milli, QuantityFormat format = QuantityFormat.DecimalSI) => new(milli, Milli, format);

    /// <summary>Exponents beyond this are not quantities of anything; upstream reads them and then spends hours on them.</summary>
    const int MaxScale = 10_000;

    public QuantityFormat Format { get; }

    BigInteger Unscaled => _more is Big big ? big.Value : _value;

    public bool IsZero => _value == 0 && _more is not Big;
    public int Sign => _more is Big big ? big.Value.Sign : Math.Sign(_value);

    /// <summary>The amount as an integer, rounded away from zero; beyond int64 it is int64's end.</summary>
    public long Value() => ScaledValue(0);

    /// <summary>The amount in thousandths, rounded away from zero.</summary>
    public long MilliValue() => ScaledValue(Milli);

    /// <summary>The amount in units of 10^<paramref name="scale"/>, rounded away from zero.</summary>
    public long ScaledValue(int scale)
    {
        if (_scale == scale && _more is not Big) return _value;
        if (IsZero) return 0;
        int up = _scale - scale;
        if (_more is not Big && up is > 0 and <= 18)
        {
            Int128 wide = (Int128)_value * Power10(up);
            return wide > long.MaxValue ? long.MaxValue : wide < long.MinValue ? long.MinValue : (long)wide;
        }
        if (_more is not Big && up is < 0 and >= -18)
        {
            var (quotient, rest) = Math.DivRem(_value, Power10(-up));
            return rest == 0 ? quotient : quotient + Math.Sign(_value);
        }
        if (up > 0 && up > 40) return Sign > 0 ? long.MaxValue : long.MinValue;
        var result = up >= 0 ? Unscaled * BigInteger.Pow(10, up) : DivideAwayFromZero(Unscaled, -up);
        return result > long.MaxValue ? long.MaxValue : result < long.MinValue ? long.MinValue : (long)result;
    }

    /// <summary>The exact integer, when the amount is one and fits.</summary>
    public bool TryGetInt64(out long value)
    {
        value = 0;
        if (IsZero) return true;
        var (mantissa, scale) = (Unscaled, (int)_scale);
        if (scale > 18) return false;
        if (scale > 0) mantissa *= Power10(scale);
        else if (scale < 0)
        {
            mantissa = BigInteger.DivRem(mantissa, Power10(-scale), out var rest);
            if (!rest.IsZero) return false;
        }
        if (mantissa < long.MinValue || mantissa > long.MaxValue) return false;
        value = (long)mantissa;
        return true;
    }

    /// <summary>The amount as a double, near enough.</summary>
    public double ToDouble() => (double)Unscaled * Math.Pow(10, _scale);

    /// <summary>The amount rounded away from zero to whole units of 10^<paramref name="scale"/>.</summary>
    public Quantity RoundUp(int scale) =>
        _scale >= scale ? this : FromBig(DivideAwayFromZero(Unscaled, scale - _scale), scale, Format);

    public Quantity Negate() => _more is Big || _value == long.MinValue
        ? FromBig(-Unscaled, _scale, Format) : new(-_value, _scale, Format);

    /// <summary>The sum; zero takes the other's format, as upstream.</summary>
    public Quantity Add(Quantity other)
    {
        var format = IsZero ? other.Format : Format;
        if (_more is not Big && other._more is not Big)
        {
            if (other._value == 0) return new(_value, _scale, format);
            if (_value == 0) return new(other._value, other._scale, format);
            int scale = Math.Min(_scale, other._scale);
            if (_scale - scale <= 18 && other._scale - scale <= 18)
            {
                // |a| × 10^18 needs 123 bits, so the sum of two cannot leave 128.
                Int128 sum = (Int128)_value * Power10(_scale - scale) + (Int128)other._value * Power10(other._scale - scale);
                if (sum >= long.MinValue && sum <= long.MaxValue) return new((long)sum, scale, format);
            }
        }
        int common = Math.Min(_scale, other._scale);
        return FromBig(Unscaled * BigInteger.Pow(10, _scale - common) + other.Unscaled * BigInteger.Pow(10, other._scale - common), common, format);
    }

    /// <summary>The difference; zero takes the other's format, as upstream.</summary>
    public Quantity Subtract(Quantity other) => Add(other.Negate());

    public Quantity Multiply(long by) => FromBig(Unscaled * by, _scale, Format);

    public int CompareTo(Quantity other)
    {
        int sign = Sign, otherSign = other.Sign;
        if (sign != otherSign || sign == 0) return sign.CompareTo(otherSign);
        int apart = _scale - other._scale;
        if (_more is not Big && other._more is not Big && Math.Abs(apart) <= 18)
            return apart == 0 ? _value.CompareTo(other._value)
                : apart > 0 ? ((Int128)_value * Power10(apart)).CompareTo(other._value)
                : ((Int128)_value).CompareTo((Int128)other._value * Power10(-apart));
        return apart >= 0 ? (Unscaled * BigInteger.Pow(10, apart)).CompareTo(other.Unscaled)
            : Unscaled.CompareTo(other.Unscaled * BigInteger.Pow(10, -apart));
    }

    public bool Equals(Quantity other) => CompareTo(other) == 0;
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Quantity other && Equals(other);

    public override int GetHashCode()
    {
        // Equal amounts of different scale must hash alike: drop the factors of ten.
        if (IsZero) return 0;
        var (mantissa, scale) = (Unscaled, (int)_scale);
        while (BigInteger.DivRem(mantissa, 10, out var rest) is var next && rest.IsZero) (mantissa, scale) = (next, scale + 1);
        return HashCode.Combine(mantissa, scale);
    }

    public static Quantity operator +(Quantity a, Quantity b) => a.Add(b);
    public static Quantity operator -(Quantity a, Quantity b) => a.Subtract(b);
    public static Quantity operator -(Quantity a) => a.Negate();
    public static bool operator ==(Quantity a, Quantity b) => a.CompareTo(b) == 0;
    public static bool operator !=(Quantity a, Quantity b) => a.CompareTo(b) != 0;
    public static bool operator <(Quantity a, Quantity b) => a.CompareTo(b) < 0;
    public static bool operator >(Quantity a, Quantity b) => a.CompareTo(b) > 0;
    public static bool operator <=(Quantity a, Quantity b) => a.CompareTo(b) <= 0;
    public static bool operator >=(Quantity a, Quantity b) => a.CompareTo(b) >= 0;

    /// <summary>Makes the small form where it fits, after rounding what is finer than nano.</summary>
    static Quantity FromBig(BigInteger value, int scale, QuantityFormat format)
    {
        if (scale < Nano) (value, scale) = (DivideAwayFromZero(value, Nano - scale), Nano);
        return value >= long.MinValue && value <= long.MaxValue ? new((long)value, value.IsZero ? 0 : scale, format) : new(0, scale, format, new Big(value));
    }

    static BigInteger DivideAwayFromZero(BigInteger value, int places)
    {
        var quotient = BigInteger.DivRem(value, BigInteger.Pow(10, places), out var rest);
        return rest.IsZero ? quotient : quotient + value.Sign;
    }

    static ReadOnlySpan<long> Powers => [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
        10_000_000_000, 100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000];

    static long Power10(int exponent) => Powers[exponent];
}
