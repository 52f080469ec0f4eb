using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;

namespace Hanbae.Machinery.Tests.Quota;

/// <summary>What a Pod counts as while it is resized: as a row, CPU asked for, granted and in force.</summary>
public sealed class PodAmountsTests
{
    static Map<Quantity> Cpu(string amount) => amount.Length == 0 ? default : Map.Of(("cpu", Quantity.Parse(amount)));

    [Theory]
    [InlineData("1", "", "", false, "1")]
    [InlineData("1", "1", "1", false, "1")]
    [InlineData("3", "1", "1", false, "3")]
    [InlineData("1", "3", "1", false, "3")]
    [InlineData("1", "1", "3", false, "3")]
    [InlineData("3", "1", "1", true, "1")]
    [InlineData("3", "2", "1", true, "2")]
    [InlineData("3", "2", "", true, "2")]
    [InlineData("1", "3", "", false, "3")]
    public void The_largest_counts_and_what_is_asked_for_in_vain_does_not(string asked, string granted, string inForce, bool infeasible, string counts)
    {
        var pod = new Pod
        {
            Spec = new() { Containers = [new() { Name = "main", Resources = new() { Requests = Cpu(asked), Limits = Cpu(asked) } }] },
            Status = new()
            {
                Conditions = infeasible ? [new() { Type = "PodResizePending", Status = "True", Reason = "Infeasible" }] : [],
                ContainerStatuses = [new() { Name = "main", AllocatedResources = Cpu(granted), Resources = inForce.Length == 0 ? null : new() { Requests = Cpu(inForce), Limits = Cpu(inForce) } }],
            },
        };

        Assert.Equal(Quantity.Parse(counts), PodAmounts.Requests(pod)["cpu"]);
        Assert.Equal((asked == granted || granted.Length == 0) && (asked == inForce || inForce.Length == 0), PodAmounts.IsSettled(pod));
    }

    [Fact]
    public void What_a_Pod_has_as_a_whole_counts_too()
    {
        var pod = new Pod
        {
            Spec = new() { Resources = new() { Requests = Cpu("1"), Limits = Cpu("2") }, Containers = [new() { Name = "main" }], Overhead = Cpu("100m") },
            Status = new() { AllocatedResources = Cpu("2"), Resources = new() { Requests = Cpu("3"), Limits = Cpu("4") } },
        };

        Assert.Equal(Quantity.Parse("3100m"), PodAmounts.Requests(pod)["cpu"]);
        Assert.Equal(Quantity.Parse("4100m"), PodAmounts.Limits(pod)["cpu"]);
        Assert.False(PodAmounts.IsSettled(pod));
    }

    [Fact]
    public void What_is_assumed_of_a_container_that_asks_for_nothing_gives_way_to_what_it_has()
    {
        var pod = new Pod { Spec = new() { Containers = [new() { Name = "a" }, new() { Name = "b", Resources = new() { Requests = Cpu("2") } }] } };

        Assert.Equal(Quantity.Parse("2100m"), PodAmounts.Requests(pod, Cpu("100m"))["cpu"]);
    }
}
