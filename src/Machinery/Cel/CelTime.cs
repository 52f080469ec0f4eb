using System.Globalization;

namespace Hanbae.Machinery.Cel;

/// <summary>A point in time between the years 1 and 9999, to the nanosecond.</summary>
public sealed class CelTimestamp : CelValue
{
    internal const long MinSeconds = -62_135_596_800, MaxSeconds = 253_402_300_799;

    /// <param name="offsetMinutes">Of the zone it was written in: only its text shows it.</param>
    internal CelTimestamp(long seconds, int nanos, int offsetMinutes = 0) => (Seconds, Nanos, OffsetMinutes) = (seconds, nanos, offsetMinutes);

    public static CelTimestamp Of(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTime.UnixEpoch.Ticks;
        long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
        if (rest < 0) (seconds, rest) = (seconds - 1, rest + TimeSpan.TicksPerSecond);
        return new(seconds, (int)rest * 100);
    }

    /// <summary>Since 1970.</summary>
    public long Seconds { get; }
    public int Nanos { get; }
    internal int OffsetMinutes { get; }
    public override CelKind Kind => CelKind.Timestamp;
    public override CelType Type => CelType.Timestamp;
    internal override bool IsZero => Seconds == MinSeconds && Nanos == 0;

    internal DateTime Utc => DateTime.UnixEpoch.AddTicks(Seconds * TimeSpan.TicksPerSecond + Nanos / 100);
    internal static int Compare(CelTimestamp a, CelTimestamp b) => a.Seconds != b.Seconds ? a.Seconds.CompareTo(b.Seconds) : a.Nanos.CompareTo(b.Nanos);

    internal CelValue Add(Int128 nanoseconds)
    {
        Int128 all = (Int128)Seconds * 1_000_000_000 + Nanos + nanoseconds;
        Int128 seconds = all / 1_000_000_000, rest = all % 1_000_000_000;
        if (rest < 0) (seconds, rest) = (seconds - 1, rest + 1_000_000_000);
        return seconds < MinSeconds || seconds > MaxSeconds ? CelError.TimestampOverflow : new CelTimestamp((long)seconds, (int)rest, OffsetMinutes);
    }

    internal CelValue Subtract(CelTimestamp other)
    {
        Int128 apart = ((Int128)Seconds - other.Seconds) * 1_000_000_000 + (Nanos - other.Nanos);
        return apart < long.MinValue || apart > long.MaxValue ? CelError.DurationOverflow : new CelDuration((long)apart);
    }

    /// <summary>RFC 3339 without trailing zeros.</summary>
    internal string Text
    {
        get
        {
            var local = new DateTime(Math.Clamp(Utc.Ticks + OffsetMinutes * TimeSpan.TicksPerMinute, 0, DateTime.MaxValue.Ticks));
            string text = local.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
            if (Nanos != 0) text += "." + Nanos.ToString("d9", CultureInfo.InvariantCulture).TrimEnd('0');
            return text + (OffsetMinutes == 0 ? "Z" : $"{(OffsetMinutes < 0 ? '-' : '+')}{Math.Abs(OffsetMinutes) / 60:d2}:{Math.Abs(OffsetMinutes) % 60:d2}");
        }
    }

    /// <summary>RFC 3339 as Go reads it, or null.</summary>
    internal static CelTimestamp? Parse(string text)
    {
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return null;
        if (!Number(text, 0, 4, out int year) || !Number(text, 5, 2, out int month) || !Number(text, 8, 2, out int day) || !Number(text, 11, 2, out int hour)
            || !Number(text, 14, 2, out int minute) || !Number(text, 17, 2, out int second)) return null;
        int at = 19, nanos = 0;
        if (text[at] is '.' or ',')
        {
            int digits = 0;
            for (at++; at < text.Length && char.IsAsciiDigit(text[at]); at++)
                if (digits++ < 9) nanos = nanos * 10 + (text[at] - '0');
            if (digits == 0) return null;
            for (; digits < 9; digits++) nanos *= 10;
        }
        int offset = 0;
        if (at < text.Length && text[at] == 'Z') at++;
        else
        {
            if (at + 6 != text.Length || text[at] is not ('+' or '-') || text[at + 3] != ':' || !Number(text, at + 1, 2, out int hours) || !Number(text, at + 4, 2, out int minutes)) return null;
            if (hours > 24 || minutes > 59) return null;
            offset = (hours * 60 + minutes) * (text[at] == '-' ? -1 : 1);
            at += 6;
        }
        if (at != text.Length || year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return null;
        var local = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc);
        long seconds = (local.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond - offset * 60L;
        return seconds < MinSeconds || seconds > MaxSeconds ? null : new(seconds, nanos, offset);
    }

    /// <summary>A day, as OpenAPI's format <c>date</c> has it, or null.</summary>
    internal static CelTimestamp? ParseDate(string text) => text.Length == 10 ? Parse(text + "T00:00:00Z") : null;

    static bool Number(string text, int from, int length, out int value)
    {
        value = 0;
        for (int i = from; i < from + length; i++)
        {
            if (!char.IsAsciiDigit(text[i])) return false;
            value = value * 10 + (text[i] - '0');
        }
        return true;
    }
}

/// <summary>A length of time in nanoseconds.</summary>
public sealed class CelDuration(long nanoseconds) : CelValue
{
    public long Nanoseconds { get; } = nanoseconds;
    public override CelKind Kind => CelKind.Duration;
    public override CelType Type => CelType.Duration;
    internal override bool IsZero => Nanoseconds == 0;

    /// <summary>Seconds, as Go's shortest float: <c>90s</c>, <c>0.001s</c>.</summary>
    internal string Text
    {
        get
        {
            // Go divides the whole and the rest apart, then adds as floats.
            double seconds = Nanoseconds / 1_000_000_000 + Nanoseconds % 1_000_000_000 / 1e9;
            string shortest = seconds.ToString("R", CultureInfo.InvariantCulture);
            return decimal.Parse(shortest, NumberStyles.Float, CultureInfo.InvariantCulture).ToString("0.#############################", CultureInfo.InvariantCulture) + "s";
        }
    }

    internal static CelDuration? Parse(string text) => Api.Duration.TryParse(text, out var duration) ? new(duration.Nanoseconds) : null;
}
