using Hanbae.Api;

namespace Hanbae.Machinery.Schedule;

/// <summary>When something is to happen, from a line of crontab: five fields, or <c>@daily</c> and its like, or <c>@every 90m</c>.</summary>
/// <remarks>
/// As upstream's parser: of day of month and day of week either may match when both are given; times that summer time leaps over do not
/// happen, and those that it repeats happen twice.
/// </remarks>
public sealed class CronSchedule
{
    const int LongestSearchYears = 5;

    readonly TimeSpan? _every;
    readonly TimeZoneInfo _zone;
    readonly CronField _minute, _hour, _dayOfMonth, _month, _dayOfWeek;

    CronSchedule(TimeSpan every) => (_every, _zone) = (every, TimeZoneInfo.Utc);

    CronSchedule(string[] fields, TimeZoneInfo zone)
    {
        _zone = zone;
        _minute = CronField.Minute(fields[0]);
        _hour = CronField.Hour(fields[1]);
        _dayOfMonth = CronField.DayOfMonth(fields[2]);
        _month = CronField.Month(fields[3]);
        _dayOfWeek = CronField.DayOfWeek(fields[4]);
    }

    /// <exception cref="FormatException"/>
    public static CronSchedule Parse(string text, TimeZoneInfo zone)
    {
        text = text.Trim();
        // Not official any more, but old objects may have it.
        if (text.StartsWith("TZ=", StringComparison.Ordinal) || text.StartsWith("CRON_TZ=", StringComparison.Ordinal))
        {
            int space = text.IndexOf(' ');
            string name = text[(text.IndexOf('=') + 1)..Math.Max(space, text.IndexOf('=') + 1)];
            if (!TimeZoneInfo.TryFindSystemTimeZoneById(name, out var own)) throw new FormatException($"provided bad location {name}");
            (zone, text) = (own, text[space..].Trim());
        }
        if (text.StartsWith("@every ", StringComparison.Ordinal))
        {
            if (!Duration.TryParse(text[7..], out var every)) throw new FormatException($"failed to parse duration {text}");
            var whole = TimeSpan.FromSeconds(Math.Max(1, Math.Floor(every.ToTimeSpan().TotalSeconds)));
            return new(whole);
        }
        string fields = text switch
        {
            "@yearly" or "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" or "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            ['@', ..] => throw new FormatException("unrecognized descriptor: " + text),
            _ => text,
        };
        string[] five = fields.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (five.Length != 5) throw new FormatException($"expected exactly 5 fields, found {five.Length}: [{string.Join(' ', five)}]");
        return new(five, zone);
    }

    /// <summary>The first time after <paramref name="after"/>; null when there is none for years.</summary>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        var from = new DateTimeOffset(after.UtcTicks - after.UtcTicks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
        if (_every is { } every) return from + every;
        var at = from.AddMinutes(1);
        at = at.AddSeconds(-TimeZoneInfo.ConvertTime(at, _zone).Second);
        int lastYear = at.Year + LongestSearchYears;
        while (at.Year <= lastYear)
        {
            var local = TimeZoneInfo.ConvertTime(at, _zone);
            if (!_month.Allows(local.Month)) at = Midnight(new DateTime(local.Year, local.Month, 1).AddMonths(1));
            else if (!IsDay(local)) at = Midnight(local.Date.AddDays(1));
            else if (!_hour.Allows(local.Hour)) at = at.AddMinutes(60 - local.Minute);
            else if (!_minute.Allows(local.Minute)) at = at.AddMinutes(1);
            else return at;
        }
        return null;
    }

    /// <summary>The last time after <paramref name="since"/> and up to <paramref name="now"/>; null when there is none.</summary>
    public DateTimeOffset? LastUntil(DateTimeOffset now, DateTimeOffset since)
    {
        if (Next(since) is not { } first || now < first) return null;
        if (_every is { } every) return first + (now - first).Ticks / every.Ticks * every;
        if (Next(first) is not { } second || now < second) return first;
        var step = second - first;
        // Back from now, twice as far each time: a schedule may have been missed a million times.
        for (var window = step; ; window *= 2)
        {
            bool whole = now - first <= window;
            DateTimeOffset? last = whole ? first : null;
            for (var at = Next(whole ? first : now - window); at <= now; at = Next(at.Value)) last = at;
            if (last is { } found) return found;
        }
    }

    bool IsDay(DateTimeOffset local)
    {
        bool month = _dayOfMonth.Allows(local.Day), week = _dayOfWeek.Allows((int)local.DayOfWeek);
        return _dayOfMonth.IsStar || _dayOfWeek.IsStar ? month && week : month || week;
    }

    /// <summary>The beginning of a day, which need not be at midnight.</summary>
    DateTimeOffset Midnight(DateTime local)
    {
        while (_zone.IsInvalidTime(local)) local = local.AddMinutes(15);
        // Of two the first.
        var offset = _zone.IsAmbiguousTime(local) ? _zone.GetAmbiguousTimeOffsets(local).Max() : _zone.GetUtcOffset(local);
        return new DateTimeOffset(DateTime.SpecifyKind(local, DateTimeKind.Unspecified), offset).ToUniversalTime();
    }
}
