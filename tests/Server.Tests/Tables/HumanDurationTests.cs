using Hanbae.Server.Tables;

namespace Hanbae.Server.Tests.Tables;

public sealed class HumanDurationTests
{
    const int Minute = 60, Hour = 3600, Day = 86400;

    [Theory]
    [InlineData(-2, "<invalid>"), InlineData(-1, "0s"), InlineData(0, "0s"), InlineData(119, "119s"), InlineData(120, "2m"), InlineData(9 * Minute + 59, "9m59s"), InlineData(10 * Minute + 1, "10m")]
    [InlineData(179 * Minute, "179m"), InlineData(3 * Hour, "3h"), InlineData(7 * Hour + 59 * Minute, "7h59m"), InlineData(8 * Hour + 59 * Minute, "8h"), InlineData(47 * Hour, "47h")]
    [InlineData(2 * Day, "2d"), InlineData(7 * Day + 23 * Hour, "7d23h"), InlineData(8 * Day + 5 * Hour, "8d"), InlineData(729 * Day, "729d"), InlineData(730 * Day, "2y"), InlineData(731 * Day, "2y1d"), InlineData(2920 * Day, "8y")]
    public void Durations_are_as_short_as_kubectl_shows_them(int seconds, string expected) => Assert.Equal(expected, HumanDuration.Of(TimeSpan.FromSeconds(seconds)));
}
