using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Tests;

public sealed class ResourcesTests
{
    [Fact]
    public void Containers_add_up() =>
        Assert.Equal(new(300, 3L << 20, 0), Of(s => s with { Containers = [Make.Container("100m", "1Mi"), Make.Container("200m", "2Mi")] }));

    [Fact]
    public void The_largest_init_container_counts_when_it_needs_more() =>
        Assert.Equal(new(500, 3L << 20, 0), Of(s => s with { InitContainers = [Make.Container("500m", "1Mi"), Make.Container("400m", "2Mi")], Containers = [Make.Container("100m", "3Mi")] }));

    [Fact]
    public void A_sidecar_runs_beside_the_containers_and_the_init_containers_after_it()
    {
        // KEP-753: the init container that comes first runs alone.
        Assert.Equal(600, Of(s => s with { InitContainers = [Make.Container("550m"), Sidecar("100m"), Make.Container("500m")], Containers = [Make.Container("200m")] }).MilliCpu);
        Assert.Equal(700, Of(s => s with { InitContainers = [Make.Container("700m"), Sidecar("100m"), Make.Container("500m")], Containers = [Make.Container("200m")] }).MilliCpu);
        Assert.Equal(900, Of(s => s with { InitContainers = [Sidecar("100m"), Sidecar("300m")], Containers = [Make.Container("500m")] }).MilliCpu);
    }

    [Fact]
    public void Overhead_comes_on_top() =>
        Assert.Equal(new(150, 11L << 20, 0), Of(s => s with { Containers = [Make.Container("100m", "1Mi")], Overhead = Make.Amounts("50m", "10Mi") }));

    [Fact]
    public void Amounts_of_the_Pod_take_precedence_over_its_containers() =>
        // KEP-2837: resource by resource; overhead still comes on top.
        Assert.Equal(new(1050, 1L << 20, 0), Of(s => s with
        {
            Containers = [Make.Container("100m", "1Mi")], Resources = new() { Requests = Make.Amounts("1", "") }, Overhead = Make.Amounts("50m", ""),
        }));

    [Fact]
    public void Extended_resources_are_counted_by_name()
    {
        var gpu = Make.Container() with { Resources = new() { Requests = Map.Of(("example.com/gpu", Quantity.Parse("2")), ("hugepages-2Mi", Quantity.Parse("4Mi"))) } };
        var asked = Of(s => s with { Containers = [gpu, gpu] });
        Assert.Equal((4, 8L << 20), (asked.Scalars["example.com/gpu"], asked.Scalars["hugepages-2Mi"]));
    }

    [Fact]
    public void For_scores_alone_a_container_that_asks_for_nothing_counts_as_a_small_one()
    {
        var pod = Make.Pod("a").With(s => s with { Containers = [Make.Container(), Make.Container("1", "")], InitContainers = [Sidecar("300m")] }).Info();
        Assert.Equal(new(1300, 0, 0), pod.Requests);
        Assert.Equal(new(1400, 600L << 20, 0), pod.ScoredRequests);
    }

    static Container Sidecar(string cpu) => Make.Container(cpu) with { RestartPolicy = "Always" };

    static Resources Of(Func<PodSpec, PodSpec> spec) => Resources.Of(spec(new()));
}
