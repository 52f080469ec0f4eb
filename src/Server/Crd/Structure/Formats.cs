using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Crd.Structure;

/// <summary>The formats of text that upstream checks; all others are words without effect.</summary>
static partial class Formats
{
    public static bool IsKnown(string format) => Normal(format) is "bsonobjectid" or "uri" or "email" or "hostname" or "ipv4" or "ipv6" or "cidr" or "mac" or "uuid" or "uuid3" or "uuid4" or "uuid5"
        or "isbn" or "isbn10" or "isbn13" or "creditcard" or "ssn" or "hexcolor" or "rgbcolor" or "byte" or "password" or "date" or "duration" or "datetime" or "k8sshortname" or "k8slongname";

    /// <summary>Upstream takes <c>date-time</c> and <c>datetime</c> for the same.</summary>
    static string Normal(string format) => format.Replace("-", "", StringComparison.Ordinal);

    public static bool Fits(string format, string text) => Normal(format) switch
    {
        "bsonobjectid" => Hex24().IsMatch(text),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _) || text.StartsWith('/'),
        "email" => Email().IsMatch(text),
        "hostname" => Names.Subdomain(text.ToLowerInvariant()).Count == 0,
        "ipv4" => IPAddress.TryParse(text, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork && text.Count(c => c == '.') == 3,
        "ipv6" => IPAddress.TryParse(text, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6,
        "cidr" => text.IndexOf('/') is > 0 and var slash && IPAddress.TryParse(text.AsSpan(0, slash), out var address)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int bits) && bits <= (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128),
        "mac" => Mac().IsMatch(text),
        "uuid" => Uuid().IsMatch(text),
        "uuid3" => Uuid().IsMatch(text) && Version(text) == '3',
        "uuid4" => Uuid().IsMatch(text) && Version(text) == '4',
        "uuid5" => Uuid().IsMatch(text) && Version(text) == '5',
        "isbn" => Isbn10(text) || Isbn13(text),
        "isbn10" => Isbn10(text),
        "isbn13" => Isbn13(text),
        "creditcard" => Luhn(text),
        "ssn" => Ssn().IsMatch(text),
        "hexcolor" => HexColor().IsMatch(text),
        "rgbcolor" => RgbColor().IsMatch(text),
        "byte" => IsBase64(text),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "duration" => Duration.TryParse(System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text)), out _) || LongDuration().IsMatch(text),
        "datetime" => DateTime().IsMatch(text),
        "k8sshortname" => Names.Label(text).Count == 0,
        "k8slongname" => Names.Subdomain(text).Count == 0,
        _ => true,
    };

    static char Version(string uuid) => uuid.Replace("-", "", StringComparison.Ordinal)[12];

    static bool IsBase64(string text)
    {
        byte[] room = new byte[text.Length];
        return System.Convert.TryFromBase64String(text, room, out _) && !text.AsSpan().ContainsAny(" \t");
    }

    static string Digits(string text) => text.Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);

    static bool Isbn10(string text)
    {
        string digits = Digits(text);
        if (digits.Length != 10) return false;
        int sum = 0;
        for (int i = 0; i < 10; i++)
        {
            int digit = digits[i] is 'X' or 'x' && i == 9 ? 10 : char.IsAsciiDigit(digits[i]) ? digits[i] - '0' : -1;
            if (digit < 0) return false;
            sum += (i + 1) * digit;
        }
        return sum % 11 == 0;
    }

    static bool Isbn13(string text)
    {
        string digits = Digits(text);
        return digits.Length == 13 && digits.All(char.IsAsciiDigit) && digits.Select((c, i) => (c - '0') * (i % 2 == 0 ? 1 : 3)).Sum() % 10 == 0;
    }

    static bool Luhn(string text)
    {
        string digits = Digits(text);
        if (digits.Length is < 12 or > 19 || !digits.All(char.IsAsciiDigit)) return false;
        int sum = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            int digit = digits[^(i + 1)] - '0';
            if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
            sum += digit;
        }
        return sum % 10 == 0;
    }

    [GeneratedRegex(@"^[0-9a-fA-F]{24}\z")] private static partial Regex Hex24();
    [GeneratedRegex(@"^[^@\s<>()]+@[^@\s<>()]+\z")] private static partial Regex Email();
    [GeneratedRegex(@"^([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2})\z|^([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}\z")] private static partial Regex Mac();
    [GeneratedRegex(@"^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\z")] private static partial Regex Uuid();
    [GeneratedRegex(@"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}\z")] private static partial Regex Ssn();
    [GeneratedRegex(@"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\z")] private static partial Regex HexColor();
    [GeneratedRegex(@"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*\)\z")] private static partial Regex RgbColor();
    [GeneratedRegex(@"^[0-9]+\s*(ns|us|µs|ms|s|m|h|d|w|hours?|minutes?|seconds?|days?|weeks?|min|sec|hr)\z")] private static partial Regex LongDuration();
    [GeneratedRegex(@"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})\z")] private static partial Regex DateTime();
}
