using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Pods;

/// <summary>Resources of Pods as a whole (KEP-2837, KEP-5419), and whose resize comes first.</summary>
public sealed class ResizeTests
{
    static ResourceRequirements Of(string cpu, string memory, string? cpuLimit = null, string? memoryLimit = null) => new()
    {
        Requests = Map.Of(("cpu", Quantity.Parse(cpu)), ("memory", Quantity.Parse(memory))),
        Limits = cpuLimit is null ? default : Map.Of(("cpu", Quantity.Parse(cpuLimit)), ("memory", Quantity.Parse(memoryLimit!))),
    };

    static Pod Whole(ResourceRequirements resources, long generation = 1)
    {
        var pod = Make.Pod(Make.Container("app", "app"));
        return pod with { Metadata = pod.Metadata with { Generation = generation }, Spec = pod.Spec with { Resources = resources } };
    }

    [Fact]
    public async Task The_status_tells_what_a_pod_as_a_whole_was_granted_and_has()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var first = Of("1", "64Mi", "2", "128Mi");
        await bench.SettleAsync(Whole(first));
        Assert.Equal((first.Requests, first), (bench.Status.AllocatedResources, bench.Status.Resources!));

        var more = Of("1", "64Mi", "3", "256Mi");
        bench.Worker.Update(Whole(more, 2));
        await bench.SettleAsync();
        Assert.Equal(more, bench.Status.Resources);
        Assert.DoesNotContain(bench.Status.Conditions, c => c.Type.StartsWith("PodResize"));
        Assert.Contains(bench.Events.All, e => e.StartsWith("Normal ResizeStarted Pod resize started: {\"podResources\":{"));
        Assert.Contains(bench.Events.All, e => e.StartsWith("Normal ResizeCompleted"));
    }

    [Fact]
    public void A_container_without_limits_may_use_what_its_pod_may()
    {
        var pod = Whole(Of("1", "64Mi", "2", "128Mi"));
        var made = LinuxResources.Of(pod, pod.Spec.Containers[0], new() { NodeName = "n", Folders = new("/d", "/l") }, 8L << 30);
        Assert.Equal((200_000, 128L << 20), (made.CpuQuota, made.MemoryLimitInBytes));
    }

    [Theory]
    [InlineData(1, 500)] // all of the Pod's request is its one container's
    [InlineData(2, 750)]
    public void What_a_pod_asks_for_beyond_its_containers_is_shared_among_them(int containers, int score)
    {
        var pod = Whole(Of("1", "4Gi", "2", "8Gi"));
        pod = pod with { Spec = pod.Spec with { Containers = Enumerable.Range(0, containers).Select(i => Make.Container($"c{i}", "app")).ToSeq() } };
        Assert.Equal(score, LinuxResources.OomScore(pod, pod.Spec.Containers[0], 8L << 30));
    }

    [Fact]
    public async Task What_becomes_of_resizes_is_counted_under_upstreams_names()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var others = new List<Pod> { Wants("1", 1) };
        var worker = new PodWorker(bench.Context with { Allocatable = () => Map.Of(("cpu", Quantity.Parse("2")), ("memory", Quantity.Parse("1Gi"))), Active = () => others }, Wants("1", 1));
        others[0] = others[0] with { Metadata = others[0].Metadata with { Uid = "other" } };
        await StepsAsync();
        Assert.Equal(["kubelet_pod_in_progress_resizes 0"], Lines());

        worker.Update(Wants("3", 2));
        await StepsAsync(); // it is looked at again and again, and counts once
        Assert.Contains("kubelet_pod_infeasible_resizes_total{reason_detail=\"insufficient_node_allocatable\"} 1", Lines());
        Assert.Contains("kubelet_pod_pending_resizes{reason=\"infeasible\"} 1", Lines());

        worker.Update(Wants("1500m", 3));
        await StepsAsync();
        Assert.Contains("kubelet_pod_pending_resizes{reason=\"deferred\"} 1", Lines());

        others.Clear();
        Assert.True(worker.RetryResize("pods_removed"));
        Assert.Contains("kubelet_pod_in_progress_resizes 1", Lines());
        await StepsAsync();
        Assert.Equal(
        [
            "kubelet_container_requested_resizes_total{operation=\"decrease\",requirement=\"requests\",resource=\"cpu\"} 1",
            "kubelet_container_requested_resizes_total{operation=\"increase\",requirement=\"requests\",resource=\"cpu\"} 1",
            "kubelet_pod_deferred_accepted_resizes_total{retry_trigger=\"pods_removed\"} 1",
            "kubelet_pod_in_progress_resizes 0",
            "kubelet_pod_infeasible_resizes_total{reason_detail=\"insufficient_node_allocatable\"} 1",
            "kubelet_pod_resize_duration_milliseconds_count{success=\"true\"} 1",
        ], Lines());

        static Pod Wants(string cpu, long generation)
        {
            var pod = Make.Pod(Make.Container("app", "app") with { Resources = Of(cpu, "64Mi") });
            return pod with { Metadata = pod.Metadata with { Generation = generation } };
        }

        async Task StepsAsync()
        {
            for (int i = 0; i < 4; i++) await worker.SyncAsync(default);
        }

        string[] Lines()
        {
            var text = new PrometheusText();
            bench.Context.Figures.Render(text);
            ResizeFigures.Render(text, [worker]);
            return [.. text.ToString().Split('\n').Where(l => l.Contains("_resize", StringComparison.Ordinal) && l[0] != '#' && !l.Contains("_bucket") && !l.Contains("_sum")).Order(StringComparer.Ordinal)];
        }
    }

    [Theory]
    [InlineData("1Gi", "2Gi", "1Gi", "4Gi", "LimitedSwap", null)] // the request stays
    [InlineData("1Gi", "2Gi", "2Gi", "4Gi", "LimitedSwap", "swap_limitation")]
    [InlineData("1Gi", "2Gi", "2Gi", "4Gi", "NoSwap", null)]
    [InlineData("1Gi", "1Gi", "2Gi", "2Gi", "LimitedSwap", null)] // Guaranteed: it swaps nothing
    public void What_a_container_may_swap_is_not_changed_while_it_runs(string request, string limit, string newRequest, string newLimit, string behaviour, string? detail)
    {
        var options = new KubeletOptions { NodeName = "n", Folders = new("/d", "/l"), SwapBytes = 1L << 30, SwapBehavior = behaviour };
        Pod With(string memory, string most) => Make.Pod(Make.Container("app", "app") with { Resources = Of("1", memory, "1", most) });
        Assert.Equal(detail, Resizes.Forbid(With(request, limit), With(newRequest, newLimit), options, 8L << 30)?.Detail);
    }

    [Fact]
    public void Those_that_take_no_more_come_first_then_priority_class_and_time()
    {
        var now = DateTimeOffset.UnixEpoch;
        Pod Named(string name, int priority = 0, bool guaranteed = false) => Make.Pod(Make.Container("app", "app") with { Resources = guaranteed ? Of("1", "1Gi", "1", "1Gi") : Of("1", "1Gi") }) is var p
            ? p with { Metadata = p.Metadata with { Name = name }, Spec = p.Spec with { Priority = priority } } : p;
        WaitingResize[] waiting =
        [
            new(Named("late"), true, now.AddSeconds(9)), new(Named("early"), true, now), new(Named("guaranteed", guaranteed: true), true, now.AddSeconds(9)),
            new(Named("important", 100), true, now.AddSeconds(9)), new(Named("shrinks"), false, now.AddSeconds(9)),
        ];
        Array.Sort(waiting, Resizes.Compare);
        Assert.Equal(["shrinks", "important", "guaranteed", "early", "late"], waiting.Select(w => w.Pod.Metadata.Name));
    }
}
