using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;
using Hanbae.Controllers.HorizontalPodAutoscalers;

namespace Hanbae.Controllers.Tests.HorizontalPodAutoscalers;

public sealed class BoundedTests
{
    static readonly DateTimeOffset s_now = Make.Start;

    static HorizontalPodAutoscalerSpec Spec(int least, int most, HPAScalingRules? up = null, HPAScalingRules? down = null) =>
        new() { MinReplicas = least, MaxReplicas = most, Behavior = up is null && down is null ? null : new() { ScaleUp = up ?? Rules(0, "Percent", 1000), ScaleDown = down ?? Rules(0, "Percent", 100) } };

    static HPAScalingRules Rules(int window, string type, int value, string select = "Max") =>
        new() { StabilizationWindowSeconds = window, SelectPolicy = select, Policies = [new() { Type = type, Value = value, PeriodSeconds = 60 }] };

    [Theory]
    [InlineData(3, 5, 5, false, "DesiredWithinRange")]
    [InlineData(3, 9, 6, true, "ScaleUpLimit")] // at most doubled
    [InlineData(1, 9, 4, true, "ScaleUpLimit")] // or four
    [InlineData(8, 12, 10, true, "TooManyReplicas")]
    [InlineData(3, 1, 2, true, "TooFewReplicas")]
    public void Without_rules_of_its_own_it_at_most_doubles(int current, int wanted, int replicas, bool limited, string reason)
    {
        var bounded = Bounded.Of(Spec(2, 10), current, wanted, ScaleMemory.Empty, s_now);
        Assert.Equal((replicas, limited, reason), (bounded.Replicas, bounded.Limited.Is, bounded.Limited.Reason));
    }

    [Fact]
    public void The_highest_recommendation_of_five_minutes_holds()
    {
        var memory = ScaleMemory.Empty with { Recommended = [(8, s_now.AddMinutes(-6)), (5, s_now.AddMinutes(-4))] };
        var bounded = Bounded.Of(Spec(1, 10), 8, 2, memory, s_now);
        Assert.Equal((5, "ScaleDownStabilized"), (bounded.Replicas, bounded.Able.Reason));
        Assert.Equal([5, 2], bounded.Memory.Recommended.Select(r => r.Replicas));
    }

    [Theory]
    [InlineData("Pods", 2, "Max", 4, 9, 6, "ScaleUpLimit")]
    [InlineData("Percent", 50, "Max", 5, 9, 8, "ScaleUpLimit")] // rounded up
    [InlineData("Pods", 2, "Disabled", 4, 9, 4, "ScaleUpLimit")]
    [InlineData("Pods", 9, "Max", 4, 20, 10, "TooManyReplicas")]
    [InlineData("Pods", 9, "Max", 4, 5, 5, "DesiredWithinRange")]
    public void Rules_say_how_fast_it_grows(string type, int value, string select, int current, int wanted, int replicas, string reason)
    {
        var bounded = Bounded.Of(Spec(1, 10, up: Rules(0, type, value, select)), current, wanted, ScaleMemory.Empty, s_now);
        Assert.Equal((replicas, reason), (bounded.Replicas, bounded.Limited.Reason));
    }

    [Theory]
    [InlineData("Pods", 2, 8, 1, 6, "ScaleDownLimit")]
    [InlineData("Percent", 50, 9, 1, 4, "ScaleDownLimit")]
    [InlineData("Pods", 9, 8, 0, 1, "TooFewReplicas")]
    [InlineData("Pods", 9, 8, 3, 3, "DesiredWithinRange")]
    public void Rules_say_how_fast_it_shrinks(string type, int value, int current, int wanted, int replicas, string reason)
    {
        var bounded = Bounded.Of(Spec(1, 10, down: Rules(0, type, value)), current, wanted, ScaleMemory.Empty, s_now);
        Assert.Equal((replicas, reason), (bounded.Replicas, bounded.Limited.Reason));
    }

    [Fact]
    public void What_was_done_within_the_period_counts()
    {
        var memory = ScaleMemory.Empty.Changed(2, s_now.AddSeconds(-30)).Changed(7, s_now.AddSeconds(-90));
        Assert.Equal(5, Bounded.Of(Spec(1, 20, up: Rules(0, "Pods", 3)), 4, 9, memory, s_now).Replicas);
    }

    [Fact]
    public void A_window_upwards_takes_the_lowest_recommendation()
    {
        var memory = ScaleMemory.Empty with { Recommended = [(3, s_now.AddSeconds(-200)), (5, s_now.AddSeconds(-50))] };
        var bounded = Bounded.Of(Spec(1, 20, up: Rules(100, "Pods", 100)), 4, 9, memory, s_now);
        Assert.Equal((5, "ScaleUpStabilized"), (bounded.Replicas, bounded.Able.Reason));
    }
}
