using System.Globalization;
using System.Numerics;
using System.Text;

namespace Hanbae.Api;

/// <summary>A text that is no quantity; the message is upstream's.</summary>
public sealed class QuantityFormatException(string message) : FormatException(message);

// Reading: the grammar of resource.Quantity, with what upstream's scanner lets pass.
public readonly partial struct Quantity
{
    const string WrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    const string WrongNumber = "unable to parse numeric part of quantity";
    const string WrongSuffix = "unable to parse quantity's suffix";

    /// <exception cref="QuantityFormatException">The text is no quantity.</exception>
    public static Quantity Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var quantity, out string? error) ? quantity : throw new QuantityFormatException(error!);

    /// <inheritdoc cref="Parse(ReadOnlySpan{char})"/>
    public static Quantity Parse(string text) => Parse(text.AsSpan());

    /// <inheritdoc cref="Parse(ReadOnlySpan{char})"/>
    public static Quantity Parse(ReadOnlySpan<byte> utf8) =>
        TryParse(utf8, out var quantity, out string? error) ? quantity : throw new QuantityFormatException(error!);

    public static bool TryParse(ReadOnlySpan<char> text, out Quantity quantity, out string? error)
    {
        Span<byte> utf8 = text.Length <= 64 ? stackalloc byte[text.Length * 3] : new byte[text.Length * 3];
        return TryParse(utf8[..Encoding.UTF8.GetBytes(text, utf8)], out quantity, out error);
    }

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Quantity quantity, out string? error)
    {
        error = null;
        return TryParseSimple(utf8, out quantity) || TryParseAny(utf8, out quantity, out error);
    }

    /// <summary>Up to 15 digits without leading zeros and a known suffix: nearly every quantity there is, and always printed as computed.</summary>
    static bool TryParseSimple(ReadOnlySpan<byte> s, out Quantity quantity)
    {
        quantity = default;
        long value = 0;
        int i = 0;
        for (; i < s.Length && (uint)(s[i] - '0') <= 9; i++)
        {
            if (i == 15) return false;
            value = value * 10 + (s[i] - '0');
        }
        if (i == 0 || (s[0] == '0' && i > 1)) return false;
        switch (s.Length - i)
        {
            case 0:
                quantity = new(value, 0, QuantityFormat.DecimalSI);
                return true;
            case 1:
                int exponent = DecimalExponentOf(s[i]);
                if (exponent == 0) return false;
                quantity = new(value, value == 0 ? 0 : exponent, QuantityFormat.DecimalSI);
                return true;
            case 2 when s[i + 1] == 'i':
                int shift = BinaryExponentOf(s[i]);
                if (shift == 0 || value >> (63 - shift) != 0) return false;
                quantity = new(value << shift, 0, QuantityFormat.BinarySI);
                return true;
            default:
                return false;
        }
    }

    static int DecimalExponentOf(byte suffix) => suffix switch
    {
        (byte)'n' => -9, (byte)'u' => -6, (byte)'m' => -3, (byte)'k' => 3, (byte)'M' => 6, (byte)'G' => 9,
        (byte)'T' => 12, (byte)'P' => 15, (byte)'E' => 18, _ => 0,
    };

    static int BinaryExponentOf(byte suffix) => suffix switch
    {
        (byte)'K' => 10, (byte)'M' => 20, (byte)'G' => 30, (byte)'T' => 40, (byte)'P' => 50, (byte)'E' => 60, _ => 0,
    };

    static bool TryParseAny(ReadOnlySpan<byte> s, out Quantity quantity, out string? error)
    {
        quantity = default;
        error = WrongFormat;
        if (s.IsEmpty) return false;

        int at = 0;
        bool negative = s[0] == '-';
        if (s[0] is (byte)'-' or (byte)'+') at++;
        // A sign alone and a suffix alone are zero: upstream's scanner lets both pass.
        while (at < s.Length && s[at] == '0') at++;
        int numberFrom = at;
        while (at < s.Length && (uint)(s[at] - '0') <= 9) at++;
        var number = s[numberFrom..at];
        ReadOnlySpan<byte> fraction = default;
        if (at < s.Length && s[at] == '.')
        {
            int from = ++at;
            while (at < s.Length && (uint)(s[at] - '0') <= 9) at++;
            fraction = s[from..at];
        }
        int suffixFrom = at;
        while (at < s.Length && "eEinumkKMGTP"u8.Contains(s[at])) at++;
        if (at < s.Length && s[at] is (byte)'-' or (byte)'+') at++;
        while (at < s.Length && (uint)(s[at] - '0') <= 9) at++;
        if (at != s.Length) return false;
        if (!TryReadSuffix(s[suffixFrom..], out int exponent, out var format)) { error = WrongSuffix; return false; }
        if (number.Length + fraction.Length > MaxScale) { error = WrongNumber; return false; }

        error = null;
        var mantissa = BigInteger.Parse("0" + Encoding.ASCII.GetString(number) + Encoding.ASCII.GetString(fraction), CultureInfo.InvariantCulture);
        if (mantissa.IsZero) { quantity = new(0, 0, format); return true; }
        if (negative) mantissa = -mantissa;
        int scale = -fraction.Length;
        if (format == QuantityFormat.BinarySI) mantissa <<= exponent;
        else scale += exponent;
        quantity = FromBig(mantissa, scale, format);

        if (format == QuantityFormat.BinarySI)
        {
            if (quantity.CompareTo(new(long.MaxValue)) > 0) quantity = new(long.MaxValue, format);
            else if (quantity.CompareTo(new(-long.MaxValue)) < 0) quantity = new(-long.MaxValue, format);
            else if (quantity._scale < 0 && BigInteger.Abs(quantity.Unscaled) < Power10(-quantity._scale))
                quantity = new(quantity._value, quantity._scale, QuantityFormat.DecimalSI, quantity._more);
        }
        quantity = quantity.PrintedAs(s, number, fraction, exponent, scale, format);
        return true;
    }

    /// <summary>
    /// Keeps a text that upstream keeps: it takes any text that reads in one step and does not look shortenable to be canonical
    /// and prints it back, so that <c>1.500</c>, <c>+5</c> and <c>1E3</c> stay what they are.
    /// </summary>
    Quantity PrintedAs(ReadOnlySpan<byte> s, ReadOnlySpan<byte> number, ReadOnlySpan<byte> fraction, int exponent, int scale, QuantityFormat format)
    {
        if (_more is Big) return this;
        int digits = Math.Max(number.Length, 1) + fraction.Length;
        bool kept;
        if (format == QuantityFormat.BinarySI)
            kept = fraction.IsEmpty && 15 - digits - (int)(exponent * 3 / 10f) - 1 >= 0 && LastThreeBits(number) != 0;
        else
            kept = 18 - digits >= 0 && scale >= Nano && scale % 3 == 0 && number.Length > 0 && !EndsInThousand(number, fraction);
        if (!kept) return this;
        string text = Encoding.ASCII.GetString(s);
        return text == ToString() ? this : new(_value, _scale, Format, text);
    }

    static int LastThreeBits(ReadOnlySpan<byte> digits)
    {
        // 1000 is a multiple of 8, so the last three digits decide.
        int value = 0;
        foreach (byte digit in digits[^Math.Min(3, digits.Length)..]) value = value * 10 + (digit - '0');
        return value & 7;
    }

    static bool EndsInThousand(ReadOnlySpan<byte> number, ReadOnlySpan<byte> fraction)
    {
        int zeros = 0;
        int total = number.Length + fraction.Length;
        for (int i = total - 1; i >= 0 && (i >= number.Length ? fraction[i - number.Length] : number[i]) == '0'; i--) zeros++;
        return zeros >= 3;
    }

    static bool TryReadSuffix(ReadOnlySpan<byte> s, out int exponent, out QuantityFormat format)
    {
        (exponent, format) = (0, QuantityFormat.DecimalSI);
        if (s.IsEmpty) return true;
        if (s.Length == 1 && DecimalExponentOf(s[0]) is not 0 and var ten) { exponent = ten; return true; }
        if (s.Length == 2 && s[1] == 'i' && BinaryExponentOf(s[0]) is not 0 and var two) { (exponent, format) = (two, QuantityFormat.BinarySI); return true; }
        format = QuantityFormat.DecimalExponent;
        return s.Length > 1 && s[0] is (byte)'e' or (byte)'E'
            && int.TryParse(s[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) && Math.Abs(exponent) <= MaxScale;
    }
}
