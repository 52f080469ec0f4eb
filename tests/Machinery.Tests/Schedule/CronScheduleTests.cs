using Hanbae.Machinery.Schedule;

namespace Hanbae.Machinery.Tests.Schedule;

public sealed class CronScheduleTests
{
    static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("* * * * *", "2030-01-01T00:00:00Z", "2030-01-01T00:01:00Z")]
    [InlineData("*/15 * * * *", "2030-01-01T00:14:59Z", "2030-01-01T00:15:00Z")]
    [InlineData("5/20 * * * *", "2030-01-01T00:30:00Z", "2030-01-01T00:45:00Z")]
    [InlineData("0 3 * * *", "2030-01-01T03:00:00Z", "2030-01-02T03:00:00Z")]
    [InlineData("30 8-10,20 * * mon-FRI", "2030-01-04T20:30:00Z", "2030-01-07T08:30:00Z")]
    [InlineData("0 0 31 * *", "2030-01-31T00:00:00Z", "2030-03-31T00:00:00Z")]
    [InlineData("0 0 29 feb ?", "2030-01-01T00:00:00Z", "2032-02-29T00:00:00Z")]
    [InlineData("0 0 13 * fri", "2030-01-01T00:00:00Z", "2030-01-04T00:00:00Z")]
    [InlineData("@hourly", "2030-01-01T00:00:01Z", "2030-01-01T01:00:00Z")]
    [InlineData("@weekly", "2030-01-01T00:00:00Z", "2030-01-06T00:00:00Z")]
    [InlineData("@yearly", "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z")]
    [InlineData("@every 1h30m", "2030-01-01T00:00:10Z", "2030-01-01T01:30:10Z")]
    public void The_next_time_is_the_first_that_all_fields_allow(string schedule, string after, string next) =>
        Assert.Equal(At(next), CronSchedule.Parse(schedule, TimeZoneInfo.Utc).Next(At(after)));

    [Theory]
    [InlineData("* * * *")]
    [InlineData("60 * * * *")]
    [InlineData("* 5-3 * * *")]
    [InlineData("* * 0 * *")]
    [InlineData("* * * * 7")]
    [InlineData("*/0 * * * *")]
    [InlineData("1-2-3 * * * *")]
    [InlineData("@sometimes")]
    [InlineData("@every soon")]
    [InlineData("* * * foo *")]
    public void What_makes_no_sense_is_refused(string schedule) => Assert.Throws<FormatException>(() => CronSchedule.Parse(schedule, TimeZoneInfo.Utc));

    [Fact]
    public void A_day_that_never_comes_has_no_time() => Assert.Null(CronSchedule.Parse("0 0 31 2 *", TimeZoneInfo.Utc).Next(At("2030-01-01T00:00:00Z")));

    [Theory]
    // Summer time leaps over half past two, and repeats it in autumn.
    [InlineData("30 2 * * *", "2030-03-30T02:00:00Z", "2030-04-01T00:30:00Z")]
    [InlineData("30 2 * * *", "2030-10-26T22:00:00Z", "2030-10-27T00:30:00Z")]
    [InlineData("30 2 * * *", "2030-10-27T00:30:00Z", "2030-10-27T01:30:00Z")]
    [InlineData("0 12 * * *", "2030-07-01T00:00:00Z", "2030-07-01T10:00:00Z")]
    public void Times_are_those_of_the_zone(string schedule, string after, string next) =>
        Assert.Equal(At(next), CronSchedule.Parse(schedule, TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin")).Next(At(after)));
}
