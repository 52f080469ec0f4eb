using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Hanbae.Api;

/// <summary>RFC 3339 as the API writes it.</summary>
public static class Timestamps
{
    /// <summary>Reads <c>2006-01-02T15:04:05[.fraction](Z|±07:00)</c>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out DateTimeOffset time)
    {
        time = default;
        // The form that we write ourselves, without a detour through strings.
        if (text.Length == 20 && text[19] == 'Z' && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':'
            && Number(text[..4], out int year) && Number(text[5..7], out int month) && Number(text[8..10], out int day)
            && Number(text[11..13], out int hour) && Number(text[14..16], out int minute) && Number(text[17..19], out int second))
        {
            if (year is < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return false;
            time = new(year, month, day, hour, minute, second, TimeSpan.Zero);
            return true;
        }
        if (text.Length is < 20 or > 40 || text[10] != 'T' || text[^1] != 'Z' && (text[^6] is not ((byte)'+' or (byte)'-') || text[^3] != ':')) return false;
        string value = Encoding.ASCII.GetString(text);
        // Fractions finer than .NET's ticks are cut, as nothing below microseconds is ever sent.
        int dot = value.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0)
        {
            int end = dot + 1;
            while (end < value.Length && char.IsAsciiDigit(value[end])) end++;
            if (end == dot + 1) return false;
            if (end - dot - 1 > 7) value = value[..(dot + 8)] + value[end..];
        }
        if (!DateTimeOffset.TryParseExact(value, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var parsed))
            return false;
        time = parsed.ToUniversalTime();
        return true;
    }

    static bool Number(ReadOnlySpan<byte> digits, out int value)
    {
        value = 0;
        foreach (byte d in digits)
        {
            if ((uint)(d - '0') > 9) return false;
            value = value * 10 + d - '0';
        }
        return true;
    }

    /// <returns>The number of bytes written: 20, or 27 with microseconds.</returns>
    public static int Format(DateTimeOffset time, Span<byte> to, bool micro)
    {
        var utc = time.UtcDateTime;
        Digits(to, utc.Year, 4);
        to[4] = (byte)'-';
        Digits(to[5..], utc.Month, 2);
        to[7] = (byte)'-';
        Digits(to[8..], utc.Day, 2);
        to[10] = (byte)'T';
        Digits(to[11..], utc.Hour, 2);
        to[13] = (byte)':';
        Digits(to[14..], utc.Minute, 2);
        to[16] = (byte)':';
        Digits(to[17..], utc.Second, 2);
        int length = 19;
        if (micro)
        {
            to[19] = (byte)'.';
            Digits(to[20..], (int)(utc.Ticks % TimeSpan.TicksPerSecond / 10), 6);
            length = 26;
        }
        to[length] = (byte)'Z';
        return length + 1;
    }

    static void Digits(Span<byte> to, int value, int count)
    {
        for (int i = count - 1; i >= 0; i--) { to[i] = (byte)('0' + value % 10); value /= 10; }
    }

    /// <summary>As the API writes it, to whole seconds: <c>2006-01-02T15:04:05Z</c>.</summary>
    public static string ToApi(this DateTimeOffset time)
    {
        Span<byte> text = stackalloc byte[20];
        return Encoding.ASCII.GetString(text[..Format(time, text, micro: false)]);
    }
}
