using System.Globalization;
using System.Net.Mail;
using System.Text;
using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Crd.Structure;

/// <summary>The formats of text that upstream checks; all others are words without effect.</summary>
static partial class Formats
{
    static readonly string[] s_longUnits = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];

    /// <summary>Whether upstream knows of the format for values of that type.</summary>
    public static bool IsKnown(string type, string format) => type is not ("" or "string") ? Numbers.IsFormat(type, format) : Normal(format) is "bsonobjectid" or "uri" or "email"
        or "hostname" or "ipv4" or "ipv6" or "cidr" or "mac" or "uuid" or "uuid3" or "uuid4" or "uuid5" or "isbn" or "isbn10" or "isbn13" or "creditcard" or "ssn" or "hexcolor"
        or "rgbcolor" or "byte" or "password" or "date" or "duration" or "datetime" or "quantity" or "k8sshortname" or "k8slongname";

    /// <summary>Upstream takes <c>date-time</c> and <c>datetime</c> for the same.</summary>
    static string Normal(string format) => format.Replace("-", "", StringComparison.Ordinal);

    public static bool Fits(string format, string text) => Normal(format) switch
    {
        "bsonobjectid" => Hex24().IsMatch(text),
        "uri" => text.StartsWith('/') || Uri.TryCreate(text, UriKind.Absolute, out _),
        "email" => MailAddress.TryCreate(text, out _),
        "hostname" => text.Length <= 255 && Hostname().IsMatch(text) && Array.TrueForAll(text.Split('.'), part => Encoding.UTF8.GetByteCount(part) <= 63),
        "ipv4" => text.Contains('.') && IpSyntax.TryParseLoosely(text, out _) is not null,
        "ipv6" => text.Contains(':') && IpSyntax.TryParseLoosely(text, out _) is not null,
        "cidr" => IpSyntax.TryParseLoosely(text, out _, out _) is not null,
        "mac" => Mac().IsMatch(text),
        "uuid" => Uuid().IsMatch(text),
        "uuid3" => Uuid().IsMatch(text) && Hex(text)[12] == '3',
        "uuid4" => Uuid().IsMatch(text) && Hex(text)[12] == '4' && "89abAB".Contains(Hex(text)[16]),
        "uuid5" => Uuid().IsMatch(text) && Hex(text)[12] == '5' && "89abAB".Contains(Hex(text)[16]),
        "isbn" => Isbn10(text) || Isbn13(text),
        "isbn10" => Isbn10(text),
        "isbn13" => Isbn13(text),
        "creditcard" => Card().IsMatch(NotDigit().Replace(text, "")) && Luhn(NotDigit().Replace(text, "")),
        "ssn" => Ssn().IsMatch(text),
        "hexcolor" => HexColor().IsMatch(text),
        "rgbcolor" => RgbColor().IsMatch(text),
        "byte" => Base64().IsMatch(text),
        "date" => IsDate(text),
        "duration" => Duration.TryParse(text, out _) || LongDuration().IsMatch(text) && Unit().Matches(text).Any(m => IsUnit(m.Value.ToLowerInvariant())),
        "datetime" => DateTime().IsMatch(text) && IsDate(text[..10]),
        "quantity" => Quantity.TryParse(text, out _, out _),
        "k8sshortname" => Names.Label(text).Count == 0,
        "k8slongname" => Names.Subdomain(text).Count == 0,
        _ => true,
    };

    static string Hex(string uuid) => uuid.Replace("-", "", StringComparison.Ordinal);

    static bool IsDate(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    /// <summary>Only one of many has to be known, as upstream.</summary>
    static bool IsUnit(string unit) => unit is "ns" or "us" or "µs" or "ms" or "s" or "m" or "h" or "hr" or "d" or "w" or "wk"
        || Array.Exists(s_longUnits, name => unit.StartsWith(name, StringComparison.Ordinal));

    static string Digits(string text) => text.Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);

    static bool Isbn10(string text)
    {
        string digits = Digits(text);
        if (digits.Length != 10) return false;
        int sum = 0;
        for (int i = 0; i < 10; i++)
        {
            int digit = digits[i] == 'X' && i == 9 ? 10 : char.IsAsciiDigit(digits[i]) ? digits[i] - '0' : -1;
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

    static bool Luhn(string digits)
    {
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
    [GeneratedRegex(@"^(?:[a-zA-Z0-9\p{S}\p{L}](?:-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?"
        + @"|(?:[a-zA-Z0-9\p{S}\p{L}](?:[a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?\.)+[a-zA-Z0-9\p{S}\p{L}](?:-?[a-zA-Z0-9\p{S}\p{L}]){1,62})\z", RegexOptions.NonBacktracking)]
    private static partial Regex Hostname();
    [GeneratedRegex(@"^[0-9A-Fa-f]{2}(([:-][0-9A-Fa-f]{2}){5}|([:-][0-9A-Fa-f]{2}){7}|([:-][0-9A-Fa-f]{2}){19})\z"
        + @"|^[0-9A-Fa-f]{4}((\.[0-9A-Fa-f]{4}){2}|(\.[0-9A-Fa-f]{4}){3}|(\.[0-9A-Fa-f]{4}){9})\z")]
    private static partial Regex Mac();
    [GeneratedRegex(@"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})\z", RegexOptions.NonBacktracking)] private static partial Regex Base64();
    [GeneratedRegex(@"[^0-9]+")] private static partial Regex NotDigit();
    [GeneratedRegex(@"^(4[0-9]{12}([0-9]{3})?|5[1-5][0-9]{14}|6(011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}"
        + @"|3(0[0-5]|[68][0-9])[0-9]{11}|(2131|1800|35[0-9]{3})[0-9]{11}|6[27][0-9]{14})\z")]
    private static partial Regex Card();
    [GeneratedRegex(@"^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\z")] private static partial Regex Uuid();
    [GeneratedRegex(@"^[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}\z")] private static partial Regex Ssn();
    [GeneratedRegex(@"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\z")] private static partial Regex HexColor();
    [GeneratedRegex(@"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,"
        + @"\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*\)\z")]
    private static partial Regex RgbColor();
    [GeneratedRegex(@"^\s*([0-9]+\s*[A-Za-zµ]+\s*)+\z", RegexOptions.NonBacktracking)] private static partial Regex LongDuration();
    [GeneratedRegex(@"[A-Za-zµ]+", RegexOptions.NonBacktracking)] private static partial Regex Unit();
    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\z")] private static partial Regex DateTime();
}
