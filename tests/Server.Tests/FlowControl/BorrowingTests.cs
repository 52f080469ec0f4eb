using Hanbae.Server.FlowControl;

namespace Hanbae.Server.Tests.FlowControl;

public sealed class BorrowingTests
{
    [Fact]
    public void Without_bounds_that_matter_all_get_the_same_proportion()
    {
        var (parts, proportion) = Borrowing.Divide(100, [new(10, 0, 1000), new(30, 0, 1000), new(10, 0, 1000)])!.Value;
        Assert.Equal([20, 60, 20], parts.Select(p => Math.Round(p, 6)));
        Assert.Equal(2, proportion, 6);
    }

    [Fact]
    public void A_level_that_needs_nothing_lends_down_to_what_it_may_not_lend()
    {
        var (parts, _) = Borrowing.Divide(100, [new(0, 20, 200), new(300, 10, 200)])!.Value;
        Assert.Equal([20, 80], parts.Select(p => Math.Round(p, 6)));
    }

    [Fact]
    public void A_level_at_its_limit_leaves_the_rest_to_others()
    {
        var (parts, _) = Borrowing.Divide(100, [new(80, 0, 30), new(10, 0, 200), new(10, 0, 200)])!.Value;
        Assert.Equal([30, 35, 35], parts.Select(p => Math.Round(p, 6)));
    }

    [Fact]
    public void Bounds_that_cannot_be_kept_are_no_division()
    {
        Assert.Null(Borrowing.Divide(10, [new(20, 20, 30)]));
        Assert.Null(Borrowing.Divide(100, [new(20, 0, 30)]));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Any_division_is_whole_within_bounds_and_fair(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 500; round++)
        {
            var claims = Enumerable.Range(0, random.Next(1, 9)).Select(_ =>
            {
                double least = random.Next(3) == 0 ? 0 : random.Next(40);
                return new Claim(Math.Max(least, random.Next(100)), least, least + random.Next(100));
            }).ToArray();
            int low = (int)Math.Ceiling(claims.Sum(c => c.AtLeast)), high = (int)claims.Sum(c => c.AtMost);
            int seats = random.Next(low, high + 1);
            var (parts, proportion) = Borrowing.Divide(seats, claims)!.Value;
            Assert.Equal(seats, parts.Sum(), 4);
            for (int i = 0; i < parts.Length; i++)
            {
                Assert.InRange(parts[i], claims[i].AtLeast - 1e-6, claims[i].AtMost + 1e-6);
                double fair = proportion * Math.Max(claims[i].Target, 0.001);
                Assert.Equal(Math.Clamp(fair, claims[i].AtLeast, claims[i].AtMost), parts[i], 4);
            }
        }
    }
}
