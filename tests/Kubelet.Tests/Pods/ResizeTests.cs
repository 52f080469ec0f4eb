using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;

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
