using System.Globalization;

namespace Hanbae.Api.Json;

/// <summary>Prints doubles the way Go does, since stored and printed numbers must not depend on who wrote them.</summary>
public static class GoFloat
{
    public enum Style
    {
        /// <summary>encoding/json: plain between 1e-6 and 1e21, else <c>1e-7</c>, <c>1e+21</c>.</summary>
        Json,
        /// <summary><c>%v</c> and go-yaml: shortest <c>%g</c>, an exponent of two digits below 1e-4 and from 1e6.</summary>
        General,
    }

    /// <summary>Enough for any double in any style.</summary>
    public const int MaxLength = 40;

    public static string ToString(double value, Style style)
    {
        Span<char> to = stackalloc char[MaxLength];
        return new string(to[..Format(value, to, style)]);
    }

    /// <returns>How many characters were written.</returns>
    public static int Format(double value, Span<char> to, Style style)
    {
        if (!double.IsFinite(value))
        {
            string word = double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
            word.CopyTo(to);
            return word.Length;
        }
        if (value == 0)
        {
            string zero = double.IsNegative(value) ? "-0" : "0";
            zero.CopyTo(to);
            return zero.Length;
        }

        // The shortest digits that give the value back, as d.ddd…E±x; .NET and Go agree on the digits, not on the layout.
        Span<char> shortest = stackalloc char[32];
        value.TryFormat(shortest, out int length, "R", CultureInfo.InvariantCulture);
        Span<char> digits = stackalloc char[24];
        int exponent = Digits(shortest[..length], digits, out int count, out bool negative);

        int at = 0;
        if (negative) to[at++] = '-';
        bool scientific = style == Style.Json ? exponent < -6 || exponent >= 21 : exponent < -4 || exponent >= 6;
        if (scientific) return at + Scientific(digits[..count], exponent, to[at..], style == Style.Json ? 1 : 2);
        return at + Plain(digits[..count], exponent, to[at..]);
    }

    /// <returns>The decimal exponent of the first digit.</returns>
    static int Digits(ReadOnlySpan<char> text, Span<char> digits, out int count, out bool negative)
    {
        negative = text[0] == '-';
        if (negative) text = text[1..];
        int e = text.IndexOf('E');
        int exponent = e < 0 ? 0 : int.Parse(text[(e + 1)..], CultureInfo.InvariantCulture);
        if (e >= 0) text = text[..e];
        int point = text.IndexOf('.');
        int whole = point < 0 ? text.Length : point;
        count = 0;
        int leadingZeros = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '.') continue;
            if (count == 0 && text[i] == '0') { leadingZeros++; continue; }
            digits[count++] = text[i];
        }
        while (count > 1 && digits[count - 1] == '0') count--;
        return exponent + whole - 1 - leadingZeros;
    }

    static int Plain(ReadOnlySpan<char> digits, int exponent, Span<char> to)
    {
        int at = 0;
        if (exponent < 0)
        {
            to[at++] = '0';
            to[at++] = '.';
            for (int i = -1; i > exponent; i--) to[at++] = '0';
            digits.CopyTo(to[at..]);
            return at + digits.Length;
        }
        for (int i = 0; i <= exponent; i++) to[at++] = i < digits.Length ? digits[i] : '0';
        if (digits.Length > exponent + 1)
        {
            to[at++] = '.';
            digits[(exponent + 1)..].CopyTo(to[at..]);
            at += digits.Length - exponent - 1;
        }
        return at;
    }

    static int Scientific(ReadOnlySpan<char> digits, int exponent, Span<char> to, int minimumExponentDigits)
    {
        int at = 0;
        to[at++] = digits[0];
        if (digits.Length > 1)
        {
            to[at++] = '.';
            digits[1..].CopyTo(to[at..]);
            at += digits.Length - 1;
        }
        to[at++] = 'e';
        to[at++] = exponent < 0 ? '-' : '+';
        int size = Math.Abs(exponent);
        // encoding/json shortens e-09 to e-9 but leaves e+21 alone, which has two digits anyway.
        if (size < 10 && minimumExponentDigits == 2) to[at++] = '0';
        size.TryFormat(to[at..], out int n, provider: CultureInfo.InvariantCulture);
        return at + n;
    }
}
