using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.HorizontalPodAutoscalers;

namespace Hanbae.Controllers.Tests.HorizontalPodAutoscalers;

/// <summary>Pods are written as <c>request/use</c> in thousandths with what is particular behind: <c>!</c> not ready, <c>p</c> pending, <c>f</c> failed, <c>d</c> going; <c>-</c> for no reading.</summary>
public sealed class ReplicaMathTests
{
    static readonly DateTimeOffset s_now = Make.Start.AddHours(1);
    static readonly Tolerance s_tenth = new(0.1, 0.1);

    static (List<Pod> Pods, Dictionary<string, Reading> Readings) Read(string text)
    {
        var (pods, readings) = (new List<Pod>(), new Dictionary<string, Reading>());
        foreach (string word in text.Split(' '))
        {
            string name = "p" + pods.Count, mark = word.TrimStart("0123456789/-".ToCharArray());
            string[] numbers = word[..^mark.Length].Split('/');
            var pod = Make.Pod(name, phase: mark switch { "p" => "Pending", "f" => "Failed", _ => "Running" });
            pods.Add(pod with
            {
                Metadata = pod.Metadata with { DeletionTimestamp = mark == "d" ? s_now : null },
                Spec = new() { Containers = [new() { Name = "c", Resources = new() { Requests = Map.Of(("cpu", Quantity.FromMilli(long.Parse(numbers[0])))) } }] },
                Status = pod.Status with { StartTime = s_now.AddMinutes(-10), Conditions = [new() { Type = "Ready", Status = mark is "!" or "p" ? "False" : "True", LastTransitionTime = s_now.AddMinutes(-10) }] },
            });
            if (numbers[1] != "-") readings[name] = new(long.Parse(numbers[1]), s_now, TimeSpan.FromMinutes(1));
        }
        return (pods, readings);
    }

    [Theory]
    [InlineData("1000/300 1000/500 1000/700", 30, 5, 50)] // up
    [InlineData("1000/100 1000/300 1000/500 1000/250 1000/250", 50, 3, 28)] // down
    [InlineData("1000/1010 1000/1030 1000/1020", 100, 3, 102)] // close enough
    [InlineData("1000/300 1000/500 1000/700!", 30, 3, 40)] // what starts uses nothing when it would go up: 27 %
    [InlineData("1000/400 1000/500 1000/700p", 30, 3, 45)] // the same for what is pending
    [InlineData("1000/- 1000/100 1000/100", 50, 3, 10)] // what is unknown is fully used when it would go down: 40 %
    [InlineData("1000/950 1000/950 1000/-", 50, 4, 95)] // what is unknown uses nothing when it would go up
    [InlineData("1000/100 1000/300 1000/900f", 50, 1, 20)] // what failed does not count at all
    [InlineData("1000/100 1000/300 1000/900d", 50, 1, 20)] // nor does what is going
    [InlineData("1000/500 1000/500 1000/-", 200, 2, 50)] // where more than the request is wanted, fully used is that: 100 %
    public void Utilization_comes_back_to_its_target(string pods, int target, int replicas, int utilization)
    {
        var (all, readings) = Read(pods);
        var proposed = ReplicaMath.ByUtilization(all.Count, target, "cpu", "", all, readings, s_tenth, s_now);
        Assert.Equal((replicas, utilization), (proposed.Replicas, proposed.Utilization));
    }

    [Theory]
    [InlineData("0/10000 0/20000 0/30000", 15000, 4, 20000)]
    [InlineData("0/10000 0/10000 0/10000", 15000, 2, 10000)]
    [InlineData("0/10000 0/- 0/10000", 20000, 2, 10000)]
    [InlineData("0/16000 0/15000", 15000, 2, 15500)]
    [InlineData("0/16000 0/15000 0/14000 0/- 0/-", 15000, 5, 15000)] // at the target nothing is known to be wrong
    public void Averages_come_back_to_theirs(string pods, int target, int replicas, int average)
    {
        var (all, readings) = Read(pods);
        var proposed = ReplicaMath.ByAverage(all.Count, target, "", all, readings, s_tenth, s_now);
        Assert.Equal((replicas, average), (proposed.Replicas, proposed.Average));
    }

    [Theory]
    [InlineData(3, 20000, 15000, 4)]
    [InlineData(3, 16000, 15000, 3)]
    [InlineData(3, 5000, 15000, 1)]
    [InlineData(0, 40000, 15000, 3)]
    public void A_total_is_shared_by_what_is_ready(int current, long value, long target, int replicas) =>
        Assert.Equal(replicas, ReplicaMath.ByTotal(current, value, target, Read("0/0 0/0 0/0 0/0!").Pods, s_tenth));

    [Fact]
    public void Tolerance_may_differ_by_direction()
    {
        var (pods, readings) = Read("1000/560 1000/560");
        Assert.Equal(2, ReplicaMath.ByUtilization(2, 50, "cpu", "", pods, readings, new(0.1, 0.2), s_now).Replicas);
        Assert.Equal(3, ReplicaMath.ByUtilization(2, 50, "cpu", "", pods, readings, new(0.2, 0.1), s_now).Replicas);
    }

    [Fact]
    public void A_Pod_that_asks_for_nothing_has_no_utilization()
    {
        var (pods, readings) = Read("1000/500");
        pods[0] = pods[0] with { Spec = new() { Containers = [new() { Name = "c" }] } };
        Assert.Equal("missing request for cpu in container c of Pod p0", Assert.Throws<ReadingException>(() => ReplicaMath.ByUtilization(1, 50, "cpu", "", pods, readings, s_tenth, s_now)).Message);
    }

    [Theory]
    [InlineData("cpu=1", "", "", 50)]
    [InlineData("cpu=2", "cpu=500m", "", 25)]
    [InlineData("cpu=900m", "", "cpu=100m", 50)]
    // Asked as a whole for something else: what its containers ask for counts, and what one of them does not is nothing.
    [InlineData("memory=1Gi", "cpu=500m", "", 100)]
    public void What_a_Pod_asks_for_as_a_whole_is_what_its_use_is_a_part_of(string whole, string container, string overhead, int percent)
    {
        static Map<Quantity> Amounts(string text) => text.Length == 0 ? default : Map.Of((text.Split('=')[0], Quantity.Parse(text.Split('=')[1])));
        var (pods, readings) = Read("1000/500");
        pods[0] = pods[0] with { Spec = new() { Resources = new() { Requests = Amounts(whole) }, Overhead = Amounts(overhead), Containers = [new() { Name = "c", Resources = new() { Requests = Amounts(container) } }, new() { Name = "d" }] } };
        Assert.Equal(percent, ReplicaMath.ByUtilization(1, 50, "cpu", "", pods, readings, s_tenth, s_now).Utilization);
    }

    [Fact]
    public void A_Pod_that_asks_as_a_whole_and_not_for_this_has_no_utilization()
    {
        var (pods, readings) = Read("1000/500");
        pods[0] = pods[0] with { Spec = new() { Resources = new() { Requests = Map.Of(("memory", Quantity.Parse("1Gi"))) }, Containers = [new() { Name = "c" }] } };
        Assert.Equal("missing pod-level request for cpu in Pod p0", Assert.Throws<ReadingException>(() => ReplicaMath.ByUtilization(1, 50, "cpu", "", pods, readings, s_tenth, s_now)).Message);
    }

    [Fact]
    public void Processor_use_of_a_start_is_not_believed()
    {
        var (pods, readings) = Read("1000/900 1000/900");
        pods[1] = pods[1] with { Status = pods[1].Status with { StartTime = s_now.AddMinutes(-2), Conditions = [new() { Type = "Ready", Status = "True", LastTransitionTime = s_now.AddSeconds(-30) }] } };
        // Its minute of measuring reaches back to before it was ready: it counts as idle.
        Assert.Equal(2, ReplicaMath.ByUtilization(2, 50, "cpu", "", pods, readings, s_tenth, s_now).Replicas);
    }

    [Fact]
    public void A_container_that_is_not_there_is_named_and_so_is_that_nobody_was_measured()
    {
        var (pods, readings) = Read("1000/500");
        Assert.Equal("container side not found in Pod p0", Assert.Throws<ReadingException>(() => ReplicaMath.ByUtilization(1, 50, "cpu", "side", pods, readings, s_tenth, s_now)).Message);
        const string Nobody = "did not receive metrics for targeted pods (pods might be unready)";
        Assert.Equal(Nobody, Assert.Throws<ReadingException>(() => ReplicaMath.ByUtilization(1, 50, "cpu", "", pods, [], s_tenth, s_now)).Message);
        Assert.Equal(Nobody, Assert.Throws<ReadingException>(() => ReplicaMath.ByAverage(1, 50, "", pods, [], s_tenth, s_now)).Message);
    }
}
