using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.Cri.Devices.PodResources;
using Hanbae.DeviceDriver;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using Hanbae.Kubelet.Devices;
using Hanbae.Machinery.Figures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Devices;

public sealed class PodResourcesTests : IAsyncLifetime
{
    readonly PluginRig _plugins = new();
    readonly ClaimRig _claims = new();
    readonly List<Pod> _pods = [];
    GrpcServer _server = null!;
    GrpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        var devices = new PodDevices(_plugins.Plugins, _claims.Claims, new([], NullLogger.Instance), () => "");
        string socket = "unix://" + Path.Combine(_plugins.Folders.Data, "pr.sock");
        _server = await GrpcServer.StartAsync(socket, new PodResourcesServer(_plugins.Folders.PodResources, devices, null, () => _pods, _plugins.Plugins.Metrics, _plugins.Time, NullLogger.Instance).Service());
        _channel = new(socket);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
        await _claims.DisposeAsync();
        await _plugins.DisposeAsync();
    }

    Task<ListPodResourcesResponse> ListAsync() => _channel.UnaryAsync(PodResourcesMethods.List, new(), new(TimeSpan.FromSeconds(60)));

    Task<GetPodResourcesResponse> GetAsync(Pod pod) => _channel.UnaryAsync(PodResourcesMethods.Get, new() { PodName = pod.Metadata.Name, PodNamespace = "default" }, new(TimeSpan.FromSeconds(60)));

    [Fact]
    public async Task Who_has_which_devices_and_claims_is_told_of_Pods_that_are_not_over()
    {
        await _plugins.AddAsync(new GpuPlugin(("gpu-0", [0]), ("gpu-1", [0, 1])));
        await _claims.AddAsync();
        var user = ClaimRig.PodWith("c");
        user = user with { Spec = user.Spec with { Containers = [user.Spec.Containers[0] with { Resources = user.Spec.Containers[0].Resources with { Limits = PluginRig.Wants("x", 1).Resources.Limits } }, new() { Name = "plain" }] } };
        var over = PluginRig.PodOf(PluginRig.Wants("a", 1));
        _pods.AddRange([user, over with { Status = new() { Phase = "Succeeded" } }]);
        _claims.Allocate("c", ClaimRig.Name, user);
        await _plugins.Plugins.AllocateAsync(user, default);
        await _claims.Claims.PrepareAsync(user, default);

        var told = Assert.Single((await ListAsync()).PodResources);
        Assert.Equal((user.Metadata.Name, "default"), (told.Name, told.Namespace));
        Assert.Equal(["app", "plain"], told.Containers.Select(c => c.Name));
        Assert.Equal("""{ "resourceName": "example.com/gpu", "deviceIds": [ "gpu-0" ], "topology": { "nodes": [ { } ] } }""", Assert.Single(told.Containers[0].Devices).ToString());
        var claim = Assert.Single(told.Containers[0].DynamicResources);
        Assert.Equal(("c", "default"), (claim.ClaimName, claim.ClaimNamespace));
        var resource = Assert.Single(claim.ClaimResources);
        Assert.Equal((ClaimRig.Name, "pool", "of-gpu", false), (resource.DriverName, resource.PoolName, resource.DeviceName, resource.HasShareId));
        Assert.StartsWith(ClaimRig.Name + "/gpu=", Assert.Single(resource.CdiDevices).Name);
        Assert.Empty(told.Containers[1].Devices);

        Assert.Equal(told, (await GetAsync(user)).PodResources);
        var old = Assert.Single((await _channel.UnaryAsync(PodResourcesMethods.ListAlpha, new(), new(TimeSpan.FromSeconds(60)))).PodResources);
        Assert.Equal("""{ "name": "app", "devices": [ { "resourceName": "example.com/gpu", "deviceIds": [ "gpu-0" ] } ] }""", old.Containers[0].ToString());
        Assert.Equal($"pod {over.Metadata.Name} in namespace default is not active", (await Assert.ThrowsAsync<GrpcException>(() => GetAsync(over))).Detail);
        Assert.Equal("pod nobody in namespace default not found", (await Assert.ThrowsAsync<GrpcException>(() => GetAsync(new() { Metadata = new() { Name = "nobody" } }))).Detail);

        var all = await _channel.UnaryAsync(PodResourcesMethods.GetAllocatableResources, new());
        Assert.Equal(["gpu-0 0", "gpu-1 0,1"], all.Devices.Select(d => $"{d.DeviceIds.Single()} {string.Join(',', d.Topology.Nodes.Select(n => n.ID))}"));
    }

    [Fact]
    public async Task Who_has_which_CPUs_and_memory_is_told_too()
    {
        const long gi = 1L << 30;
        var options = new KubeletOptions
        {
            NodeName = "n", Folders = _plugins.Folders, CpuManagerPolicy = "static", MemoryManagerPolicy = "Static", ReservedSystemCpus = "0", Eviction = default,
            SystemReserved = Map.Of(("memory", new Quantity(gi))), ReservedMemory = [(0, Map.Of(("memory", new Quantity(gi))))],
        };
        var placements = new Hanbae.Kubelet.Placement.Placements(options, new(Placement.Machines.OneSocket.Cpus, Placement.Machines.Nodes(1, 4 * gi)), _plugins.Plugins, _plugins.Time, NullLogger.Instance);
        var pod = Placement.Placed.Pod(Placement.Placed.Container("a", 2, "1Gi"), Placement.Placed.Container("b", 1, "1Gi"));
        Assert.Null(await placements.AdmitAsync(pod, default));
        _pods.Add(pod);
        var devices = new PodDevices(_plugins.Plugins, _claims.Claims, new([], NullLogger.Instance), () => "");
        string socket = "unix://" + Path.Combine(_plugins.Folders.Data, "cpus.sock");
        await using var server = await GrpcServer.StartAsync(socket, new PodResourcesServer(_plugins.Folders.PodResources, devices, placements, () => _pods, _plugins.Plugins.Metrics, _plugins.Time, NullLogger.Instance).Service());
        using var channel = new GrpcChannel(socket);

        var told = Assert.Single((await channel.UnaryAsync(PodResourcesMethods.List, new(), new(TimeSpan.FromSeconds(60)))).PodResources);
        Assert.Equal(["1,5", "4"], told.Containers.Select(c => string.Join(',', c.CpuIds)));
        Assert.Equal("""{ "memoryType": "memory", "size": "1073741824", "topology": { "nodes": [ { } ] } }""", Assert.Single(told.Containers[0].Memory).ToString());
        var all = await channel.UnaryAsync(PodResourcesMethods.GetAllocatableResources, new());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], all.CpuIds);
        Assert.Equal(("memory", 3UL << 30), (Assert.Single(all.Memory).MemoryType, all.Memory[0].Size));
    }

    [Fact]
    public async Task Ten_calls_at_once_are_answered_and_a_hundred_in_a_second()
    {
        for (int i = 0; i < 10; i++) await ListAsync();
        var e = await Assert.ThrowsAsync<GrpcException>(ListAsync);
        Assert.Equal((GrpcStatus.ResourceExhausted, "rejected by rate limit"), (e.Status, e.Detail));
        _plugins.Time.Advance(TimeSpan.FromMilliseconds(10));
        await ListAsync();
        await Assert.ThrowsAsync<GrpcException>(ListAsync);
        var text = new PrometheusText();
        _plugins.Plugins.Metrics.Render(text, []);
        Assert.Contains("kubelet_pod_resources_endpoint_requests_total{server_api_version=\"v1\"} 13\n", text.ToString());
        Assert.Contains("kubelet_pod_resources_endpoint_errors_list{server_api_version=\"v1\"} 2\n", text.ToString());
    }
}
