using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Stats;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Eviction;

public sealed class EvictionTests
{
    static Pod Pod(string name, int priority = 0, string? memory = null) => Make.Pod(Make.Container("app", "app:1") with
    {
        Resources = memory is null ? new() : new() { Requests = Map.Of(("memory", Quantity.Parse(memory))) },
    }) is var pod ? pod with { Metadata = pod.Metadata with { Name = name, Uid = name }, Spec = pod.Spec with { Priority = priority } } : null!;

    static PodUse Use(Pod pod, long memory) => new(pod, "", new() { MemoryUsage = memory },
        null, [new(new() { Id = pod.Metadata.Uid, Name = "app", SandboxId = "", State = RuntimeState.Running }, "", new() { MemoryUsage = memory }, null, 0, 0, 0)], [], null);

    [Fact]
    public void Who_uses_more_than_he_asked_for_goes_first_then_the_less_important_then_the_greedier()
    {
        PodUse[] pods = [Use(Pod("within", 0, "1Gi"), 500 << 20), Use(Pod("critical", 2_000_000_000), 4L << 30), Use(Pod("important", 10, "1Mi"), 900 << 20), Use(Pod("greedy"), 800 << 20), Use(Pod("small"), 100 << 20)];
        Assert.Equal(["greedy", "small", "important", "within"], EvictionRank.Order("memory.available", pods).Select(p => p.Pod.Metadata.Name));
    }

    [Fact]
    public void The_message_says_what_was_short_and_who_took_it()
    {
        var threshold = new Threshold("memory.available", "100Mi");
        Assert.Equal("The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. Container app was using 819200Ki, request is 1Mi, has larger consumption of memory. ",
            EvictionRank.Message(threshold, 8L << 30, 50 << 20, Use(Pod("greedy", 0, "1Mi"), 800 << 20)));
        Assert.Equal(8L << 30, new Threshold("nodefs.available", "10%").Of(80L << 30));
    }

    [Fact]
    public void Programs_are_told_what_was_short_and_who_took_it()
    {
        var said = EvictionRank.Annotations(new(Threshold.AllocatableMemory, "100Mi"), Use(Pod("greedy", 0, "1Mi"), 800 << 20));
        Assert.Equal(("memory", "app", "819200Ki"), (said["starved_resource"], said["offending_containers"], said["offending_containers_usage"]));
        Assert.Equal("inodes", EvictionRank.Annotations(new("nodefs.inodesFree", "5%"), Use(Pod("greedy"), 0))["starved_resource"]);
    }

    [Fact]
    public async Task Pods_that_take_nearly_all_that_the_node_has_for_them_are_ended_though_the_node_has_more()
    {
        using var bench = new PodBench(("app:1", FakeProgram.Forever));
        var workers = new PodWorkers(bench.Context with { Active = () => [] }, default);
        var sampler = new PodSampler(bench.Options, bench.Cri, () => workers.All, bench.Time, NullLogger.Instance);
        Dictionary<string, Observed> observed = new() { ["memory.available"] = new(4L << 30, 8L << 30), [Threshold.AllocatableMemory] = new(200 << 20, 2L << 30) };
        var loop = new EvictionLoop(bench.Context, sampler, workers, new ImageGc(bench.Context)) { Observe = () => observed };
        await loop.OnceAsync(default);
        Assert.Empty(loop.Conditions);
        observed[Threshold.AllocatableMemory] = new(50 << 20, 2L << 30);
        await loop.OnceAsync(default);
        Assert.Equal(["MemoryPressure"], loop.Conditions);

        Assert.DoesNotContain(Threshold.Watched(bench.Options with { EnforceNodeAllocatable = [] }), t => t.Signal == Threshold.AllocatableMemory);
        Assert.Equal("The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. ", EvictionRank.Message(new(Threshold.AllocatableMemory, "100Mi"), 2L << 30, 50 << 20, Use(Pod("p", 0, "1Gi"), 1)));
    }

    [Theory]
    [InlineData("/d", "/d", "nodefs", true, true, true, true, true, true)] // one disk for all
    [InlineData("/i", "", "imagefs", false, false, true, true, true, false)] // a runtime that knows nothing of layers apart
    [InlineData("/i", "/i", "imagefs", false, false, true, true, true, false)]
    [InlineData("/i", "/d", "nodefs", false, true, true, true, false, false)]
    public void What_is_on_the_disk_that_is_short_counts(
        string images, string containers, string like, bool imagesOnNode, bool layersOnNode, bool filesOnNode, bool imagesOnImages, bool layersOnImages, bool filesOnImages)
    {
        var told = new Hanbae.Cri.V1.ImageFsInfoResponse { ImageFilesystems = { new Hanbae.Cri.V1.FilesystemUsage { FsId = new() { Mountpoint = images } } } };
        if (containers.Length > 0) told.ContainerFilesystems.Add(new Hanbae.Cri.V1.FilesystemUsage { FsId = new() { Mountpoint = containers } });
        var disks = DiskLayout.Of("/d", told, folder => folder.Length > 0 ? folder[1] : null);
        Assert.Equal((imagesOnNode, layersOnNode, filesOnNode), (disks.ImagesCount("nodefs.available"), disks.LayersCount("nodefs.available"), disks.FilesCount("nodefs.available")));
        Assert.Equal((imagesOnImages, layersOnImages, filesOnImages), (disks.ImagesCount("imagefs.inodesFree"), disks.LayersCount("imagefs.inodesFree"), disks.FilesCount("imagefs.inodesFree")));
        Assert.Equal(disks.FilesCount(like + ".available"), disks.FilesCount("containerfs.available"));
        Assert.False(disks.ImagesCount("memory.available"));
        // Its thresholds are those of the disk that it lies on.
        Threshold[] thresholds = [new("nodefs.available", "10%"), new("imagefs.available", "15%"), new("memory.available", "1Mi")];
        var more = Assert.Single(disks.With(thresholds), t => t.Signal == "containerfs.available");
        Assert.Equal(like == "nodefs" ? "10%" : "15%", more.Text);
    }

    [Fact]
    public void Who_fills_the_disk_that_is_short_goes_first()
    {
        PodUse With(string name, long layers, long logs) => Use(Pod(name), 0) is var use ? use with { Containers = [use.Containers[0] with { WritableBytes = layers, LogBytes = logs }] } : null!;
        PodUse[] pods = [With("writes", 100, 1), With("talks", 1, 200)];
        DiskLayout apart = new("/i", "/i", ImagesApart: true, LayersOnNode: false);
        string First(string signal, DiskLayout disks) => EvictionRank.Order(signal, pods, disks).First().Pod.Metadata.Name;
        Assert.Equal(("talks", "talks", "writes", "writes"), (First("nodefs.available", DiskLayout.None), First("nodefs.available", apart), First("imagefs.available", apart), First("containerfs.available", apart)));
        Assert.Equal("talks", First("containerfs.available", apart with { LayersOnNode = true }));
    }

    [Fact]
    public void Disk_beyond_a_Pods_own_limits_is_told()
    {
        var pod = Pod("full");
        pod = pod with { Spec = pod.Spec with { Volumes = [new() { Name = "scratch", EmptyDir = new() { SizeLimit = Quantity.Parse("1Mi") } }] } };
        var use = Use(pod, 0) with { Volumes = new Dictionary<string, VolumeUse> { ["scratch"] = new(2 << 20, 0, 0, 0, 0, 0, OnNodeDisk: true) } };
        Assert.Equal("Usage of EmptyDir volume \"scratch\" exceeds the limit \"1Mi\". ", EvictionRank.OverLimit(use));
        Assert.Null(EvictionRank.OverLimit(use with { Volumes = new Dictionary<string, VolumeUse> { ["scratch"] = new(1 << 10, 0, 0, 0, 0, 0, OnNodeDisk: true) } }));
    }

    [Fact]
    public void A_critical_Pod_displaces_as_few_others_as_will_do()
    {
        using var bench = new PodBench();
        Pod With(string name, string cpu, int priority) => Pod(name, priority) is var p ? p with
        {
            Spec = p.Spec with { Containers = [p.Spec.Containers[0] with { Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse(cpu))) } }] },
        } : null!;
        var room = Map.Of(("cpu", Quantity.Parse("2")), ("memory", Quantity.Parse("1Gi")), ("pods", Quantity.Parse("10")));
        var critical = With("critical", "1", 2_000_000_000);
        Assert.Equal(["big"], CriticalPods.Victims(critical, [With("small", "200m", 0), With("big", "1500m", 0), With("also-critical", "300m", 2_000_000_001)], room, bench.Options).Select(p => p.Metadata.Name));
        Assert.Empty(CriticalPods.Victims(With("critical", "3", 2_000_000_000), [With("small", "200m", 0)], room, bench.Options)); // it would not fit anyway
    }

    [Fact]
    public async Task A_short_node_tells_of_it_ends_one_Pod_and_takes_no_others()
    {
        using var bench = new PodBench(("app:1", FakeProgram.Forever));
        var workers = new PodWorkers(bench.Context with { Active = () => [] }, default);
        var sampler = new PodSampler(bench.Options, bench.Cri, () => workers.All, bench.Time, NullLogger.Instance);
        Dictionary<string, Observed> observed = new() { ["memory.available"] = new(1L << 30, 8L << 30) };
        var loop = new EvictionLoop(bench.Context, sampler, workers, new ImageGc(bench.Context)) { Observe = () => observed };
        await loop.OnceAsync(default);
        Assert.Empty(loop.Conditions);

        observed["memory.available"] = new(50 << 20, 8L << 30);
        await loop.OnceAsync(default);
        Assert.Equal(["MemoryPressure"], loop.Conditions);
        Assert.Equal("Evicted", PodAdmission.RefuseUnder(loop.Conditions, Pod("new"))!.Value.Reason);
        Assert.Equal("The node had condition: [MemoryPressure]. ", PodAdmission.RefuseUnder(loop.Conditions, Pod("new"))!.Value.Message);
        Assert.Null(PodAdmission.RefuseUnder(loop.Conditions, Pod("asks", 0, "1Mi")));
        Assert.Null(PodAdmission.RefuseUnder(loop.Conditions, Pod("critical", 2_000_000_000)));

        observed["memory.available"] = new(1L << 30, 8L << 30);
        await loop.OnceAsync(default);
        Assert.Equal(["MemoryPressure"], loop.Conditions); // not yet: it might come and go
        bench.Time.Advance(301);
        await loop.OnceAsync(default);
        Assert.Empty(loop.Conditions);
    }
}
