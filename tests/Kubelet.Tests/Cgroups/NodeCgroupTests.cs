using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Tests.Cgroups;

/// <summary>What the cgroups above the Pods' own are limited to, and who is told of it.</summary>
public sealed class NodeCgroupTests
{
    const long Mi = 1 << 20, Gi = 1 << 30;
    static readonly MachineInfo s_machine = new() { Cpus = 4, MemoryBytes = 8 * Gi, HugePages = new Dictionary<long, long> { [2 * Mi] = 64 * Mi } };

    static KubeletOptions Options(PodBench bench) => bench.Options with
    {
        SystemReserved = Map.Of(("cpu", Quantity.Parse("500m")), ("memory", Quantity.Parse("1Gi"))), KubeReserved = Map.Of(("memory", Quantity.Parse("512Mi")), ("pid", Quantity.Parse("1000"))),
        HugePageSizes = [2 * Mi],
    };

    static Pod Pod(string name, string? cpu, string? memory, bool limited = false)
    {
        var amounts = default(Map<Quantity>);
        if (cpu is not null) amounts = amounts.Set("cpu", Quantity.Parse(cpu));
        if (memory is not null) amounts = amounts.Set("memory", Quantity.Parse(memory));
        var pod = Make.Pod(Make.Container("app", "app") with { Resources = new() { Requests = amounts, Limits = limited ? amounts : default } });
        return pod with { Metadata = pod.Metadata with { Name = name, Uid = name } };
    }

    [Fact]
    public void Pods_have_what_is_not_reserved_where_that_is_enforced()
    {
        using var bench = new PodBench();
        var limits = NodeLimits.Root(Options(bench), s_machine, 32_768, []);
        Assert.Equal((3584, 8 * Gi - 1536 * Mi, 31_768, 64 * Mi), (limits.Shares, limits.Memory, limits.Pids, limits.HugePages["2MB"]));
        Assert.Null(limits.MemoryMin);

        limits = NodeLimits.Root(Options(bench) with { EnforceNodeAllocatable = [] }, s_machine, 32_768, []);
        Assert.Equal((4096, 8 * Gi, 32_768), (limits.Shares, limits.Memory, limits.Pids));
    }

    [Theory]
    // How much of what higher classes ask for is kept from lower ones: what Burstable and BestEffort Pods may have of 6.5Gi. Guaranteed Pods ask for 2Gi, Burstable ones for 1Gi.
    [InlineData(true, 100, 4608, 3584)]
    [InlineData(true, 50, 5632, 5120)]
    [InlineData(true, 0, null, null)]
    [InlineData(false, 100, null, null)] // the gate is off
    public void Lower_classes_are_kept_from_the_memory_that_higher_ones_ask_for(bool gate, int percent, int? burstable, int? bestEffort)
    {
        using var bench = new PodBench();
        var options = Options(bench) with { QosReserved = gate, QosReservedMemory = percent };
        Pod[] pods = [Pod("b", "1", "1Gi"), Pod("c", "2", "2Gi", limited: true), Pod("d", null, null)];
        Assert.Equal((burstable * Mi, bestEffort * Mi), (NodeLimits.Burstable(options, s_machine, pods).Memory, NodeLimits.BestEffort(options, s_machine, pods).Memory));
    }

    [Fact]
    public void Classes_have_the_shares_their_pods_ask_for()
    {
        using var bench = new PodBench();
        Pod[] pods = [Pod("a", "500m", null), Pod("b", "1", "1Gi"), Pod("c", "2", "2Gi", limited: true), Pod("d", null, null)];
        var burstable = NodeLimits.Burstable(Options(bench), s_machine, pods);
        Assert.Equal((1536, (long?)null), (burstable.Shares, burstable.MemoryLow));
        Assert.Equal(2, NodeLimits.Burstable(Options(bench), s_machine, []).Shares);
        var best = NodeLimits.BestEffort(Options(bench), s_machine, pods);
        Assert.Equal((2, true), (best.Shares, best.HugePages["2MB"] > 1L << 60));

        var keeping = Options(bench) with { MemoryQos = true, MemoryReservationPolicy = "TieredReservation" };
        Assert.Equal(1 * Gi, NodeLimits.Burstable(keeping, s_machine, pods).MemoryLow);
        var root = NodeLimits.Root(keeping, s_machine, 0, pods);
        Assert.Equal((2 * Gi, 1 * Gi, (long?)null), (root.MemoryMin, root.MemoryLow, root.Pids));
    }

    [Theory]
    [InlineData("", "cgroup.controllers")]
    [InlineData("memory", "memory/cgroup.procs")]
    public void Processes_of_the_machine_that_have_no_cgroup_are_put_into_one(string hierarchy, string mark)
    {
        string mount = Directory.CreateTempSubdirectory("hanbae-cgroup-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(mount, hierarchy));
            File.WriteAllText(Path.Combine(mount, mark), "");
            File.WriteAllText(Path.Combine(mount, hierarchy, "cgroup.procs"), "1\n2\n77\n78\n");
            Assert.Equal(2, SystemProcesses.Move(mount, "/system", pid => pid == 2)); // neither the first nor the kernel's own
            Assert.Equal(["77", "78"], File.ReadAllLines(Path.Combine(mount, hierarchy, "system", "cgroup.procs")));
            File.WriteAllText(Path.Combine(mount, hierarchy, "cgroup.procs"), "1\n2\n");
            Assert.Equal(0, SystemProcesses.Move(mount, "/system", pid => pid == 2));
        }
        finally { Directory.Delete(mount, recursive: true); }
    }

    [Fact]
    public void A_reservation_limits_memory_unless_only_processors_are_to_be()
    {
        using var bench = new PodBench();
        var options = Options(bench);
        var whole = NodeLimits.Reserved(options, options.SystemReserved, compressible: false);
        Assert.Equal((512, 1 * Gi, (long?)null), (whole.Shares, whole.Memory, whole.Pids));
        Assert.Null(NodeLimits.Reserved(options, options.SystemReserved, compressible: true).Memory);
    }

    [Fact]
    public async Task The_node_tells_what_is_enforced_and_what_cannot_be_once()
    {
        using var bench = new PodBench();
        await using var rig = DriverRig.V2Files();
        var pods = new List<Pod> { Pod("a", "500m", null) };
        var options = Options(bench) with
        {
            CgroupRoot = rig.Root, EnforceNodeAllocatable = ["pods", "system-reserved", "kube-reserved"], SystemReservedCgroup = "/system", KubeReservedCgroup = "/not-there",
        };
        await rig.Driver.EnsureAsync("/system", default, default);
        var cgroups = new NodeCgroups(options, rig.Driver, s_machine, () => pods, bench.Events, () => new() { Metadata = new() { Name = "node" } }, bench.Time, bench.Context.Log);
        await cgroups.OnceAsync(default);
        Assert.Equal($"{8 * Gi - 1536 * Mi}", rig.Read(rig.Root, "", "memory.max"));
        Assert.Equal($"{1 * Gi}", rig.Read("/system", "", "memory.max"));
        Assert.Equal("20", rig.Read(rig.Root + "/burstable", "", "cpu.weight"));
        Assert.Equal("1", rig.Read(rig.Root + "/besteffort", "", "cpu.weight"));
        pods.Add(Pod("b", "1500m", null));
        await cgroups.OnceAsync(default);
        Assert.Equal("79", rig.Read(rig.Root + "/burstable", "", "cpu.weight"));
        Assert.Equal(
        [
            "Normal NodeAllocatableEnforced Updated Node Allocatable limit across pods", "Normal NodeAllocatableEnforced Updated limits on system reserved cgroup /system",
            "Warning FailedNodeAllocatableEnforcement Failed to enforce Kube Reserved Cgroup Limits on \"/not-there\": cgroup does not exist",
        ], bench.Events.All);
    }

    [Fact]
    public void A_pod_has_the_huge_pages_it_asks_for_and_no_others()
    {
        using var bench = new PodBench();
        var options = Options(bench) with { HugePageSizes = [2 * Mi, 1 * Gi] };
        var container = Make.Container("app", "app") with { Resources = new() { Limits = Map.Of(("hugepages-2Mi", Quantity.Parse("4Mi"))) } };
        var limits = LinuxResources.Of(Make.Pod(container), container, options, 8 * Gi).HugepageLimits;
        Assert.Equal([("2MB", 4ul << 20), ("1GB", 0ul)], limits.Select(l => (l.PageSize, l.Limit)));
    }

    [Theory]
    // request, limit, settings: what v2's files say of the container.
    [InlineData(null, null, "qos", "memory.high=7730937856")]
    [InlineData("1Gi", "2Gi", "qos", "memory.high=2040107008")]
    [InlineData("1Gi", "1Gi", "qos", "")]
    [InlineData("1Gi", "2Gi", "", "")]
    [InlineData("1Gi", "2Gi", "qos tiers", "memory.high=2040107008 memory.low=1073741824")]
    [InlineData("1Gi", null, "swap", "memory.swap.max=0")]
    [InlineData("1Gi", null, "swap limited", "memory.swap.max=536870912")]
    [InlineData("1Gi", "1Gi", "swap limited", "memory.swap.max=0")]
    [InlineData(null, null, "swap limited", "memory.swap.max=0")]
    [InlineData("1Gi", "1Gi", "together", "memory.oom.group=1")]
    [InlineData("1Gi", null, "together swap", "memory.oom.group=1 memory.swap.max=0")]
    public void Memory_is_throttled_kept_and_swapped_by_the_settings(string? request, string? limit, string settings, string files)
    {
        using var bench = new PodBench();
        static Map<Quantity> Of(string? memory) => memory is null ? default : Map.Of(("memory", Quantity.Parse(memory)));
        var options = bench.Options with
        {
            MemoryQos = settings.Contains("qos"), MemoryReservationPolicy = settings.Contains("tiers") ? "TieredReservation" : "None",
            SwapBytes = settings.Contains("swap") ? 4 * Gi : null, SwapBehavior = settings.Contains("limited") ? "LimitedSwap" : "NoSwap",
            OomKillsTogether = settings.Contains("together"),
        };
        var container = Make.Container("app", "app") with { Resources = new() { Requests = Of(request), Limits = Of(limit) } };
        var seen = LinuxResources.Of(Make.Pod(container), container, options, 8 * Gi).Unified;
        Assert.Equal(files, string.Join(' ', seen.OrderBy(u => u.Key, StringComparer.Ordinal).Select(u => $"{u.Key}={u.Value}")));
    }

    [Theory]
    [InlineData(false, "containerd://1.6.20", "the kubelet's cgroup driver is cgroupfs, that of containerd is systemd", "SystemdCgroup = false under", "/etc/containerd/config.toml")]
    [InlineData(true, "containerd://1.6.20", "the kubelet's cgroup driver is systemd, that of containerd is cgroupfs", "set cgroupDriver: cgroupfs in the KubeletConfiguration", "SystemdCgroup = true under")]
    [InlineData(false, "cri-o://1.30.0", "that of cri-o is systemd", "cgroup_manager = \"cgroupfs\" under [crio.runtime]", "/etc/crio/crio.conf")]
    public void Drivers_that_differ_are_told_with_the_file_to_change(bool systemd, string runtime, params string[] words)
    {
        using var bench = new PodBench();
        string said = DriverMismatch.Describe(bench.Options with { SystemdCgroups = systemd }, runtime);
        foreach (string word in words) Assert.Contains(word, said);
    }
}
