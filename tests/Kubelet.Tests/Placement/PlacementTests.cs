using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.DeviceDriver;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Cpus;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Tests.Devices;
using Hanbae.Machinery.Figures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Placement;

/// <summary>Pods on a node that places things: what the runtime is asked for, what is refused and how, what a kubelet that starts again does.</summary>
public sealed class PlacementTests : IAsyncLifetime
{
    readonly PodBench _bench = new(("app:1", FakeProgram.Forever));
    readonly PluginRig _plugins = new();
    KubeletOptions _options;

    public PlacementTests() => _options = _bench.Options with { CpuManagerPolicy = "static", SystemReserved = Map.Of(("cpu", new Quantity(1))) };

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        _bench.Dispose();
        await _plugins.DisposeAsync();
    }

    Placements Make(Topology? machine = null) => new(_options, machine ?? Machines.TwoSocketsAlternating, _plugins.Plugins, _bench.Time, NullLogger.Instance);

    async Task<PodWorker> RunAsync(Placements placements, Pod pod)
    {
        var worker = new PodWorker(_bench.Context with { Options = _options, Placements = placements }, pod);
        for (int i = 0; i < 20 && await worker.SyncAsync(default) <= _bench.Time.GetUtcNow(); i++) { }
        return worker;
    }

    async Task<Cri.V1.LinuxContainerResources> ResourcesAsync(PodWorker worker, string container = "a") =>
        (await _bench.Cri.ContainerStatusAsync(worker.Runtime!.Newest(container)!.Id, false, default))!.Status.Resources.Linux;

    [Fact]
    public async Task A_Guaranteed_Pod_gets_CPUs_for_itself_without_a_quota_and_others_are_moved_away()
    {
        var placements = Make();
        var beside = await RunAsync(placements, Placed.Pod(new Container { Name = "a", Image = "app:1" }));
        Assert.Equal("0-11", (await ResourcesAsync(beside)).CpusetCpus);
        var own = await RunAsync(placements, Placed.Pod(Placed.Container("a", 2)));
        var resources = await ResourcesAsync(own);
        Assert.Equal(("2,8", -1L), (resources.CpusetCpus, resources.CpuQuota));

        var pool = new SharedPool(placements, _bench.Cri, () => [beside, own], TimeSpan.FromSeconds(10), _bench.Time, NullLogger.Instance);
        await pool.OnceAsync(default);
        Assert.Equal("0-1,3-7,9-11", (await ResourcesAsync(beside)).CpusetCpus);
        Assert.Equal("2,8", (await ResourcesAsync(own)).CpusetCpus);

        own.Remove(0);
        for (int i = 0; i < 20 && !own.Done; i++)
        {
            await own.SyncAsync(default);
            _bench.Time.Advance(1);
        }
        await pool.OnceAsync(default);
        Assert.Equal("0-11", (await ResourcesAsync(beside)).CpusetCpus);
    }

    [Fact]
    public async Task Without_a_policy_no_container_is_bound_to_CPUs()
    {
        _options = _bench.Options;
        var worker = await RunAsync(Make(), Placed.Pod(Placed.Container("a", 2)));
        var resources = await ResourcesAsync(worker);
        Assert.Equal(("", "", 200_000L), (resources.CpusetCpus, resources.CpusetMems, resources.CpuQuota));
    }

    [Theory]
    [InlineData("none", "container", 12, "UnexpectedAdmissionError", "Allocate failed due to not enough cpus available to satisfy request: requested=12, available=11, which is unexpected")]
    [InlineData("single-numa-node", "container", 8, "TopologyAffinityError", "Resources cannot be allocated with Topology locality")]
    [InlineData("restricted", "pod", 12, "TopologyAffinityError", "Resources cannot be allocated with Topology locality")]
    [InlineData("best-effort", "container", 12, "UnexpectedAdmissionError", "Allocate failed due to not enough cpus available to satisfy request: requested=1, available=0, which is unexpected")] // eleven were found
    public async Task What_cannot_be_placed_fails_in_upstreams_words(string policy, string scope, int cpus, string reason, string message)
    {
        _options = _options with { TopologyManagerPolicy = policy, TopologyManagerScope = scope };
        var placements = Make();
        var worker = await RunAsync(placements, Placed.Pod(Placed.Container("a", cpus)));
        Assert.Equal(("Failed", reason, "Pod was rejected: " + message), (worker.Status!.Phase, worker.Status.Reason, worker.Status.Message));
        Assert.Empty(placements.Pods);
        Assert.Equal("0-11", placements.Cpus.State.Shared.ToString());
        var text = new PrometheusText();
        _bench.Context.Rejections.Render(text);
        Assert.Contains($"kubelet_admission_rejections_total{{reason=\"{reason}\"}} 1\n", text.ToString());
    }

    [Fact]
    public async Task Half_a_core_is_refused_where_whole_ones_are_asked_for()
    {
        _options = _options with { CpuManagerPolicyOptions = Map.Of(("full-pcpus-only", "true")) };
        var worker = await RunAsync(Make(), Placed.Pod(Placed.Container("a", 3)));
        Assert.Equal(("SMTAlignmentError", "Pod was rejected: SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2"), (worker.Status!.Reason, worker.Status.Message));
    }

    [Theory]
    [InlineData("container")]
    [InlineData("pod")]
    public async Task CPUs_and_memory_lie_where_the_device_lies(string scope)
    {
        const long gi = 1L << 30;
        _options = _options with
        {
            TopologyManagerPolicy = "single-numa-node", TopologyManagerScope = scope, MemoryManagerPolicy = "Static", Eviction = default,
            SystemReserved = Map.Of(("cpu", new Quantity(1)), ("memory", new Quantity(gi))), ReservedMemory = [(0, Map.Of(("memory", new Quantity(gi))))],
        };
        await _plugins.AddAsync(new GpuPlugin(("gpu-0", [0]), ("gpu-1", [1])));
        var placements = Make(new(Machines.TwoSocketsAlternating.Cpus, Machines.Nodes(2, 8 * gi)));
        Pod Wanting(int gpus) => Placed.Pod(Placed.Container("a", 2) is var c && gpus > 0
            ? c with { Resources = new() { Requests = c.Resources.Requests.With(PluginRig.Wants("x", gpus).Resources.Requests), Limits = c.Resources.Limits.With(PluginRig.Wants("x", gpus).Resources.Limits) } } : Placed.Container("a", 2));

        var first = Wanting(1);
        Assert.Equal(("2,8", "0"), (await ResourcesAsync(await RunAsync(placements, first))) is var r ? (r.CpusetCpus, r.CpusetMems) : default);
        Assert.Equal("gpu-0", _plugins.Has(first, "a"));
        var second = Wanting(1); // the one that is left lies on the other node
        Assert.Equal(("1,7", "1"), (await ResourcesAsync(await RunAsync(placements, second))) is var s ? (s.CpusetCpus, s.CpusetMems) : default);
        Assert.Equal("gpu-1", _plugins.Has(second, "a"));
        Assert.Equal("TopologyAffinityError", (await RunAsync(placements, Wanting(1))).Status!.Reason);
        Assert.Equal("Running", (await RunAsync(placements, Wanting(0))).Status!.Phase);
    }

    [Fact]
    public async Task A_kubelet_that_starts_again_leaves_everybody_where_he_is()
    {
        var pod = Placed.Pod(Placed.Container("a", 2));
        await RunAsync(Make(), pod);
        var placements = Make();
        await RunAsync(placements, pod);
        Assert.Equal("2,8", placements.Cpus.ExclusiveOf(pod.Metadata.Uid, "a").ToString());

        // The file lost, what runs is given CPUs again.
        File.Delete(Path.Combine(_options.Folders.Data, CpuStateFile.FileName));
        placements = Make();
        Assert.Empty(placements.Pods);
        await RunAsync(placements, pod);
        Assert.Equal(2, placements.Cpus.ExclusiveOf(pod.Metadata.Uid, "a").Count);

        _options = _bench.Options;
        Assert.Contains("configured policy \"none\" differs from state checkpoint policy \"static\"", Assert.Throws<PlacementSettingsException>(() => Make()).Message);
    }

    [Theory]
    [InlineData("static", 2, "1Gi", "Resize is infeasible for Guaranteed Pods alongside CPU Manager policy \"static\"")]
    [InlineData("static", 1, "2Gi", null)]
    [InlineData("none", 2, "2Gi", null)]
    public void What_a_Guaranteed_Pod_is_placed_by_is_not_changed_while_it_runs(string policy, int cpus, string memory, string? why)
    {
        _options = _options with { CpuManagerPolicy = policy };
        var granted = Placed.Pod(Placed.Container("a", 1, "1Gi"));
        var wanted = granted with { Spec = granted.Spec with { Containers = [Placed.Container("a", cpus, memory)] } };
        var refusal = Make().RefuseResize(granted, wanted);
        Assert.Equal((why is null ? null : "Infeasible", why), (refusal?.Reason, refusal?.Message));
        static Pod Burstable(Pod pod) => pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Resources = pod.Spec.Containers[0].Resources with { Limits = default } }] } };
        Assert.Null(Make().RefuseResize(Burstable(granted), Burstable(wanted)));
    }

    [Fact]
    public async Task What_is_placed_and_what_is_not_is_counted_under_upstreams_names()
    {
        _options = _options with { TopologyManagerPolicy = "single-numa-node" };
        var placements = Make();
        await RunAsync(placements, Placed.Pod(Placed.Container("a", 2)));
        await RunAsync(placements, Placed.Pod(Placed.Container("a", 8)));
        var text = new PrometheusText();
        placements.Metrics.Render(text, placements.Cpus);
        foreach (string line in (string[])
        [
            "kubelet_cpu_manager_pinning_requests_total 1", "kubelet_cpu_manager_pinning_errors_total 0", "kubelet_topology_manager_admission_requests_total 2",
            "kubelet_topology_manager_admission_errors_total 1", "kubelet_topology_manager_admission_duration_ms_count 2", "kubelet_cpu_manager_shared_pool_size_millicores 9000",
            "kubelet_cpu_manager_exclusive_cpu_allocation_count 2", "kubelet_cpu_manager_allocation_per_numa{numa_node=\"0\"} 2",
            "kubelet_container_aligned_compute_resources_count{boundary=\"numa_node\",scope=\"container\"} 1",
            "kubelet_container_aligned_compute_resources_failure_count{boundary=\"numa_node\",scope=\"container\"} 1",
        ])
            Assert.Contains(line + "\n", text.ToString());
    }
}
