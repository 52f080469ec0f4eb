using System.Globalization;
using System.Security;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>The parts of timestamps, in UTC or a zone, and of durations.</summary>
static class TimeFunctions
{
    const long Second = 1_000_000_000;

    public static void Add(FunctionList f)
    {
        Part(f, "getFullYear", "timestamp_to_year", t => t.Year);
        Part(f, "getMonth", "timestamp_to_month", t => t.Month - 1);
        Part(f, "getDayOfYear", "timestamp_to_day_of_year", t => t.DayOfYear - 1);
        Part(f, "getDayOfMonth", "timestamp_to_day_of_month", t => t.Day - 1);
        Part(f, "getDate", "timestamp_to_day_of_month_1_based", t => t.Day);
        Part(f, "getDayOfWeek", "timestamp_to_day_of_week", t => (int)t.DayOfWeek);
        Part(f, "getHours", "timestamp_to_hours_tz", t => t.Hour);
        Part(f, "getMinutes", "timestamp_to_minutes", t => t.Minute);
        Part(f, "getSeconds", "timestamp_to_seconds_tz", t => t.Second);
        Part(f, "getMilliseconds", "timestamp_to_milliseconds", t => t.Millisecond);
        Whole(f, "getHours", "duration_to_hours", 3600 * Second);
        Whole(f, "getMinutes", "duration_to_minutes", 60 * Second);
        Whole(f, "getSeconds", "duration_to_seconds", Second);
        Whole(f, "getMilliseconds", "duration_to_milliseconds", 1_000_000);
    }

    static void Whole(FunctionList f, string name, string id, long unit) =>
        f.Member(name, id, [CelType.Duration], CelType.Int, (x, _) => ((CelDuration)x[0]).Nanoseconds / unit);

    static void Part(FunctionList f, string name, string id, Func<DateTime, int> part)
    {
        f.Member(name, id, [CelType.Timestamp], CelType.Int, (x, _) => (long)part(((CelTimestamp)x[0]).Utc));
        f.Member(name, id + "_with_tz", [CelType.Timestamp, CelType.String], CelType.Int, (x, _) =>
            In(((CelTimestamp)x[0]).Utc, ((CelString)x[1]).Value, out string? error) is { } local ? CelInt.Of(part(local)) : new CelError(error!));
    }

    /// <summary>The time in a zone: a name of the zone database, or <c>[+-]hh:mm</c>.</summary>
    static DateTime? In(DateTime utc, string zone, out string? error)
    {
        error = null;
        int colon = zone.IndexOf(':');
        if (colon < 0)
        {
            if (zone is "" or "UTC") return utc;
            try { return TimeZoneInfo.ConvertTimeFromUtc(DateTime.SpecifyKind(utc, DateTimeKind.Utc), TimeZoneInfo.FindSystemTimeZoneById(zone)); }
            catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException or SecurityException or IOException or UnauthorizedAccessException or ArgumentException)
            {
                error = "unknown time zone " + zone;
                return null;
            }
        }
        if (!int.TryParse(zone.AsSpan(0, colon), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int hours)
            || !int.TryParse(zone.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int minutes) || Math.Abs(hours) > 24 || minutes > 59)
        {
            error = $"strconv.Atoi: parsing {Api.Json.GoQuote.Text(zone)}: invalid syntax";
            return null;
        }
        long offset = hours * 60L + (zone[0] == '-' ? -minutes : minutes);
        return new DateTime(Math.Clamp(utc.Ticks + offset * TimeSpan.TicksPerMinute, 0, DateTime.MaxValue.Ticks));
    }
}
