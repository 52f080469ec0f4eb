using Hanbae.Host.Runtime;

namespace Hanbae.Host.Tests.Runtime;

public sealed class QuietTests
{
    const long MiB = 1 << 20;

    [Theory]
    [InlineData(0, 100, 0, false)] // In the middle of a burst.
    [InlineData(100, 101, 0, true)] // Behind it.
    [InlineData(101, 102, 101, false)] // Once is enough.
    [InlineData(125, 126, 101, true)] // Small work adds up.
    public void Memory_is_given_back_once_when_a_burst_is_over(long last, long now, long collected, bool due) =>
        Assert.Equal(due, Quiet.IsDue(last * MiB, now * MiB, collected * MiB));
}
