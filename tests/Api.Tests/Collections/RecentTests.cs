namespace Hanbae.Api.Tests.Collections;

public sealed class RecentTests
{
    [Fact]
    public void What_is_used_stays_and_what_is_not_goes()
    {
        var recent = new Recent<int, string>(8);
        recent.Set(0, "used");
        recent.Set(1, "unused");
        for (int i = 2; i < 100; i++)
        {
            recent.Set(i, "other");
            Assert.Equal("used", recent.Find(0));
            // Half of what it holds was used last.
            for (int j = Math.Max(2, i - 1); j <= i; j++) Assert.Equal("other", recent.Find(j));
        }
        Assert.Null(recent.Find(1));
        Assert.True(Enumerable.Range(0, 100).Count(i => recent.Find(i) is not null) <= 8);
    }

    [Fact]
    public void What_is_taken_out_is_gone_and_what_is_set_again_is_the_newer()
    {
        var recent = new Recent<string, string>(4);
        recent.Set("a", "1");
        recent.Set("a", "2");
        Assert.Equal("2", recent.Find("a"));
        recent.Remove("a");
        Assert.Null(recent.Find("a"));
    }
}
