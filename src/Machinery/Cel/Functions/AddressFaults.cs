using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Says why a text is no address, in the words of Go's net/netip: they are part of what CEL's errors say.</summary>
static class AddressFaults
{
    public static string Of(string text)
    {
        string cause = text.IndexOfAny(['.', ':', '%']) is >= 0 and var at ? text[at] switch { '.' => V4(text), ':' => V6(text), _ => "missing IPv6 address" } : "";
        return $"ParseAddr({GoQuote.Text(text)}): {(cause.Length > 0 ? cause : "unable to parse IP")}";
    }

    static string At(string rest) => $" (at {GoQuote.Text(rest)})";

    /// <returns>Empty when it is one.</returns>
    static string V4(string text)
    {
        int value = 0, fields = 0, digits = 0;
        for (int i = 0; i < text.Length; i++)
            if (char.IsAsciiDigit(text[i]))
            {
                if (digits == 1 && value == 0) return "IPv4 field has octet with leading zero";
                value = value * 10 + text[i] - '0';
                digits++;
                if (value > 255) return "IPv4 field has value >255";
            }
            else if (text[i] != '.') return "unexpected character" + At(text[i..]);
            else
            {
                if (i == 0 || i == text.Length - 1 || text[i - 1] == '.') return "IPv4 field must have at least one digit" + At(text[i..]);
                if (fields == 3) return "IPv4 address too long";
                (value, digits) = (0, 0);
                fields++;
            }
        return fields < 3 ? "IPv4 address too short" : "";
    }

    static string V6(string text)
    {
        string rest = text;
        if (text.IndexOf('%') is >= 0 and var percent)
        {
            if (percent == text.Length - 1) return "zone must be a non-empty string";
            rest = text[..percent];
        }
        bool elided = rest.StartsWith("::", StringComparison.Ordinal);
        if (elided) rest = rest[2..];
        if (elided && rest.Length == 0) return "";
        int bytes = 0;
        while (bytes < 16)
        {
            int digits = 0;
            while (digits < rest.Length && char.IsAsciiHexDigit(rest[digits]))
                if (++digits > 4) return "each group must have 4 or less digits" + At(rest);
            if (digits == 0) return "each colon-separated field must have at least one digit" + At(rest);
            if (digits < rest.Length && rest[digits] == '.')
            {
                if (!elided && bytes != 12) return "embedded IPv4 address must replace the final 2 fields of the address" + At(rest);
                if (bytes + 4 > 16) return "too many hex fields to fit an embedded IPv4 at the end of the address" + At(rest);
                if (V4(rest) is { Length: > 0 } wrong) return wrong;
                (rest, bytes) = ("", bytes + 4);
                break;
            }
            bytes += 2;
            rest = rest[digits..];
            if (rest.Length == 0) break;
            if (rest[0] != ':') return "unexpected character, want colon" + At(rest);
            if (rest.Length == 1) return "colon must be followed by more characters" + At(rest);
            rest = rest[1..];
            if (rest[0] != ':') continue;
            if (elided) return "multiple :: in address" + At(rest);
            elided = true;
            rest = rest[1..];
            if (rest.Length == 0) break;
        }
        if (rest.Length > 0) return "trailing garbage after address" + At(rest);
        return bytes < 16 ? elided ? "" : "address string too short" : elided ? "the :: must expand to at least one field of zeros" : "";
    }
}
