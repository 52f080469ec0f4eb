using System.Globalization;
using System.Numerics;
using System.Text;

namespace Hanbae.Api;

// Printing: the canonical form of resource.Quantity.
public readonly partial struct Quantity
{
    /// <summary>The canonical text: no fraction, the largest suffix that loses nothing.</summary>
    public override string ToString()
    {
        if (_more is string text) return text;
        Span<char> to = stackalloc char[48];
        return TryFormat(to, out int n) ? new string(to[..n]) : FormatBig();
    }

    /// <summary>The canonical text as UTF-8 (it is ASCII); false when there is no room.</summary>
    public bool TryFormat(Span<byte> utf8, out int written)
    {
        Span<char> text = stackalloc char[48];
        if (!TryFormat(text, out written))
        {
            string big = ToString();
            written = big.Length;
            if (big.Length > utf8.Length) return false;
            Encoding.ASCII.GetBytes(big, utf8);
            return true;
        }
        if (written > utf8.Length) return false;
        Ascii.FromUtf16(text[..written], utf8, out _);
        return true;
    }

    /// <inheritdoc cref="TryFormat(Span{byte}, out int)"/>
    public bool TryFormat(Span<char> to, out int written)
    {
        written = 0;
        if (_more is string known)
        {
            if (!known.TryCopyTo(to)) return false;
            written = known.Length;
            return true;
        }
        if (_more is Big) return false;
        if (_value == 0) { if (to.IsEmpty) return false; to[0] = '0'; written = 1; return true; }
        if (!Canonical(out long mantissa, out int exponent, out var format)) return false;
        if (!mantissa.TryFormat(to, out written, provider: CultureInfo.InvariantCulture)) return false;
        return TryAppendSuffix(to, ref written, exponent, format);
    }

    /// <summary>Mantissa and exponent (of 10, or of 1024 when binary) of the canonical form, when int64 holds them.</summary>
    bool Canonical(out long mantissa, out int exponent, out QuantityFormat format)
    {
        (mantissa, exponent, format) = (_value, _scale, Format);
        if (format == QuantityFormat.BinarySI)
        {
            if (TryGetSmallInteger(out long whole))
            {
                if (whole is > -1024 and < 1024) format = QuantityFormat.DecimalSI;
                else
                {
                    (mantissa, exponent) = (whole, 0);
                    for (; exponent < 6 && (mantissa & 1023) == 0; exponent++) mantissa /= 1024;
                    return true;
                }
            }
            else if (_scale > 0) return false;
            else format = QuantityFormat.DecimalSI; // rather than lose the fraction
        }
        while (mantissa % 10 == 0) { mantissa /= 10; exponent++; }
        int off = ((exponent % 3) + 3) % 3;
        // No suffix is larger than E: keep the zeros (upstream would print the mantissa alone).
        if (format == QuantityFormat.DecimalSI && exponent - off > 18) off = exponent - 18;
        if (off > 18) return false;
        Int128 wide = (Int128)mantissa * Power10(off);
        if (wide > long.MaxValue || wide < long.MinValue) return false;
        mantissa = (long)wide;
        exponent -= off;
        return true;
    }

    bool TryGetSmallInteger(out long whole)
    {
        if (_scale == 0) { whole = _value; return true; }
        if (_scale is > 0 and <= 18)
        {
            Int128 wide = (Int128)_value * Power10(_scale);
            whole = (long)wide;
            return wide <= long.MaxValue && wide >= long.MinValue;
        }
        if (_scale < 0)
        {
            var (quotient, rest) = Math.DivRem(_value, Power10(-_scale));
            whole = quotient;
            return rest == 0;
        }
        whole = 0;
        return false;
    }

    string FormatBig()
    {
        var (mantissa, exponent, format) = (Unscaled, (int)_scale, Format);
        if (format == QuantityFormat.BinarySI)
        {
            if (exponent > 0) (mantissa, exponent) = (mantissa * BigInteger.Pow(10, exponent), 0);
            var whole = BigInteger.DivRem(mantissa, BigInteger.Pow(10, -exponent), out var fraction);
            if (!fraction.IsZero || BigInteger.Abs(whole) < 1024) format = QuantityFormat.DecimalSI;
            else
            {
                int power = 0;
                for (; power < 6 && (whole & 1023).IsZero; power++) whole /= 1024;
                return whole.ToString(CultureInfo.InvariantCulture) + Suffix(power, format);
            }
        }
        while (BigInteger.DivRem(mantissa, 10, out var rest) is var next && rest.IsZero) (mantissa, exponent) = (next, exponent + 1);
        int off = ((exponent % 3) + 3) % 3;
        if (format == QuantityFormat.DecimalSI && exponent - off > 18) off = exponent - 18;
        return (mantissa * BigInteger.Pow(10, off)).ToString(CultureInfo.InvariantCulture) + Suffix(exponent - off, format);
    }

    static bool TryAppendSuffix(Span<char> to, ref int written, int exponent, QuantityFormat format)
    {
        if (format == QuantityFormat.DecimalExponent)
        {
            if (exponent == 0) return true;
            if (written >= to.Length) return false;
            to[written++] = 'e';
            if (!exponent.TryFormat(to[written..], out int n, provider: CultureInfo.InvariantCulture)) return false;
            written += n;
            return true;
        }
        string suffix = Suffix(exponent, format);
        if (!suffix.TryCopyTo(to[written..])) return false;
        written += suffix.Length;
        return true;
    }

    static string Suffix(int exponent, QuantityFormat format) => (format, exponent) switch
    {
        (_, 0) => "",
        (QuantityFormat.DecimalExponent, _) => "e" + exponent.ToString(CultureInfo.InvariantCulture),
        (QuantityFormat.BinarySI, _) => exponent switch { 1 => "Ki", 2 => "Mi", 3 => "Gi", 4 => "Ti", 5 => "Pi", _ => "Ei" },
        _ => exponent switch { -9 => "n", -6 => "u", -3 => "m", 3 => "k", 6 => "M", 9 => "G", 12 => "T", 15 => "P", _ => "E" },
    };
}
