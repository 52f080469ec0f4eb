using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.DeviceDriver;
using Hanbae.Grpc;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Plugins;
using static Hanbae.Kubelet.Tests.Devices.PluginRig;

namespace Hanbae.Kubelet.Tests.Devices;

public sealed class DevicePluginsTests : IAsyncDisposable, IAsyncLifetime
{
    readonly PluginRig _rig = new();

    public Task InitializeAsync() => Task.CompletedTask;
    Task IAsyncLifetime.DisposeAsync() => _rig.DisposeAsync().AsTask();
    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    static GpuPlugin Gpus(int count, DevicePluginOptions? options = null) =>
        new([.. Enumerable.Range(0, count).Select(i => ($"gpu-{i}", new long[] { i % 2 }))]) { Options = options ?? new() };

    async Task<string> RefusedAsync(Pod pod) => (await Assert.ThrowsAsync<DeviceException>(() => _rig.Plugins.AllocateAsync(pod, default))).Message;

    [Fact]
    public async Task Healthy_devices_are_allocatable_and_ill_ones_are_only_there()
    {
        Assert.Equal("none", _rig.Amount());
        var plugin = await _rig.AddAsync(Gpus(3));
        Assert.Equal("3 of 3", _rig.Amount());
        plugin.Put("gpu-1", healthy: false);
        await _rig.UntilAsync(k => k.Find(Gpu)!.Healthy.Count == 2);
        Assert.Equal("2 of 3", _rig.Amount());
        plugin.Put("gpu-1", healthy: true);
        plugin.Remove("gpu-0");
        await _rig.UntilAsync(k => k.Find(Gpu) is { Devices.Count: 2, Healthy.Count: 2 });
    }

    [Fact]
    public async Task A_gone_plugins_devices_count_for_nothing_and_after_five_minutes_there_are_none()
    {
        var plugin = await _rig.AddAsync(Gpus(2));
        plugin.EndStreams();
        await _rig.UntilAsync(k => k.Find(Gpu)!.Stopped is not null);
        Assert.Equal("0 of 2", _rig.Amount());
        _rig.Time.Advance(DeviceKinds.Grace);
        Assert.Equal("0 of 2", _rig.Amount());
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("0 of 0", _rig.Amount());
        await _rig.AddAsync(Gpus(1));
        Assert.Equal("1 of 1", _rig.Amount());
    }

    [Fact]
    public async Task Who_registers_last_speaks_for_the_resource()
    {
        var first = await _rig.AddAsync(Gpus(2));
        var second = await _rig.AddAsync(Gpus(4));
        Assert.Equal("4 of 4", _rig.Amount());
        first.EndStreams();
        var pod = PodOf(Wants("a", 1));
        await _rig.Plugins.AllocateAsync(pod, default);
        Assert.Empty(first.Asked);
        Assert.Equal(["allocate gpu-0"], second.Asked);
        Assert.Equal("4 of 4", _rig.Amount());
    }

    [Fact]
    public async Task No_device_is_given_twice_and_a_released_one_is_given_again()
    {
        await _rig.AddAsync(Gpus(2));
        var (one, two, three) = (PodOf(Wants("a", 1)), PodOf(Wants("a", 1)), PodOf(Wants("a", 1)));
        await Task.WhenAll(_rig.Plugins.AllocateAsync(one, default), _rig.Plugins.AllocateAsync(two, default));
        Assert.Equal(["gpu-0", "gpu-1"], new[] { _rig.Has(one, "a"), _rig.Has(two, "a") }.Order());
        Assert.Equal("requested number of devices unavailable for example.com/gpu. Requested: 1, Available: 0", await RefusedAsync(three));
        string freed = _rig.Has(one, "a");
        _rig.Plugins.Release(one.Metadata.Uid);
        await _rig.Plugins.AllocateAsync(three, default);
        Assert.Equal(freed, _rig.Has(three, "a"));
    }

    [Fact]
    public async Task App_containers_take_over_what_init_containers_had_but_not_what_sidecars_have()
    {
        var plugin = await _rig.AddAsync(Gpus(4));
        var pod = PodOf(Wants("app", 2), Wants("other", 1)).Init(Wants("setup", 2), Wants("sidecar", 1) with { RestartPolicy = "Always" });
        await _rig.Plugins.AllocateAsync(pod, default);
        Assert.Equal("gpu-0,gpu-1", _rig.Has(pod, "setup"));
        Assert.Equal("gpu-0", _rig.Has(pod, "sidecar"));
        Assert.Equal("gpu-1,gpu-2", _rig.Has(pod, "app"));
        Assert.Equal("gpu-3", _rig.Has(pod, "other"));
        Assert.Equal(4, plugin.Asked.Count);
        await _rig.Plugins.AllocateAsync(pod, default); // asked again, nobody is asked
        Assert.Equal(4, plugin.Asked.Count);
    }

    [Fact]
    public async Task A_plugin_that_refuses_keeps_nothing_for_the_Pod()
    {
        var plugin = await _rig.AddAsync(Gpus(2));
        plugin.Before = (call, _) => call == "allocate gpu-1" ? throw new GrpcException(GrpcStatus.Internal, "broken") : Task.CompletedTask;
        var pod = PodOf(Wants("a", 1), Wants("b", 1));
        var e = await Assert.ThrowsAsync<GrpcException>(() => _rig.Plugins.AllocateAsync(pod, default));
        Assert.Equal("rpc error: code = Internal desc = broken", e.Message);
        Assert.Empty(_rig.Plugins.Of(pod.Metadata.Uid));
        plugin.Before = (_, _) => Task.CompletedTask;
        await _rig.Plugins.AllocateAsync(PodOf(Wants("a", 2)), default);
    }

    [Fact]
    public async Task Preferences_are_asked_for_and_heard_where_the_plugin_has_them()
    {
        var plugin = await _rig.AddAsync(Gpus(3, new() { GetPreferredAllocationAvailable = true }));
        var pod = PodOf(Wants("a", 2));
        await _rig.Plugins.AllocateAsync(pod, default);
        Assert.Equal(["prefer 2 of gpu-0,gpu-1,gpu-2 with ", "allocate gpu-1,gpu-2"], plugin.Asked);
    }

    [Fact]
    public async Task A_plugin_that_wants_to_hear_of_starts_does_each_time()
    {
        var plugin = await _rig.AddAsync(Gpus(1, new() { PreStartRequired = true }));
        var pod = PodOf(Wants("a", 1));
        await _rig.Plugins.AllocateAsync(pod, default);
        await _rig.Plugins.StartingAsync(pod, pod.Spec.Containers[0], default);
        var grant = Assert.Single(await _rig.Plugins.StartingAsync(pod, pod.Spec.Containers[0], default));
        Assert.Equal(["allocate gpu-0", "start gpu-0", "start gpu-0"], plugin.Asked);
        Assert.Equal("gpu-0", grant.Answer.Envs["GPU_IDS"]);
        plugin.Before = (_, _) => throw new GrpcException(GrpcStatus.Internal, "cannot be wiped");
        var e = await Assert.ThrowsAsync<DeviceException>(() => _rig.Plugins.StartingAsync(pod, pod.Spec.Containers[0], default));
        Assert.Equal("device plugin PreStartContainer rpc failed with err: rpc error: code = Internal desc = cannot be wiped", e.Message);
    }

    [Fact]
    public async Task Resources_of_nobodys_plugin_and_those_of_claims_are_left_alone()
    {
        await _rig.AddAsync(Gpus(1));
        var other = PodOf(Wants("a", 1, "example.com/other"));
        await _rig.Plugins.AllocateAsync(other, default);
        var claimed = PodOf(Wants("a", 1));
        claimed = claimed with { Status = claimed.Status with { ExtendedResourceClaimStatus = new() { ResourceClaimName = "c", RequestMappings = [new() { ContainerName = "a", ResourceName = Gpu, RequestName = "r" }] } } };
        await _rig.Plugins.AllocateAsync(claimed, default);
        Assert.Empty(_rig.Plugins.Pods);
    }

    [Fact]
    public async Task A_killed_kubelets_next_one_knows_who_has_what_and_offers_nothing_until_the_plugin_is_back()
    {
        Assert.False(_rig.Kept);
        await _rig.AddAsync(Gpus(2));
        var (runs, comes) = (PodOf(Wants("a", 1)), PodOf(Wants("a", 1)));
        await _rig.Plugins.AllocateAsync(runs, default);

        await _rig.RestartAsync();
        Assert.True(_rig.Kept);
        Assert.Equal("0 of 0", _rig.Amount());
        Assert.Equal("gpu-0", _rig.Has(runs, "a"));
        Assert.Equal(0, Assert.Single(Assert.Single(_rig.Plugins.Of(runs.Metadata.Uid)).Devices["gpu-0"]));
        Assert.Equal("gpu-0", Assert.Single(await _rig.Plugins.StartingAsync(runs, runs.Spec.Containers[0], default)).Answer.Envs["GPU_IDS"]);
        Assert.Equal("no healthy devices present; cannot allocate unhealthy devices example.com/gpu", await RefusedAsync(comes));
        Assert.Equal("no healthy devices present; cannot allocate unhealthy devices example.com/gpu", await RefusedAsync(runs));

        await _rig.AddAsync(Gpus(2));
        Assert.Equal("2 of 2", _rig.Amount());
        await _rig.Plugins.AllocateAsync(comes, default);
        Assert.Equal("gpu-1", _rig.Has(comes, "a"));
    }

    [Fact]
    public async Task A_torn_checkpoint_is_told_of_and_left_behind()
    {
        await _rig.AddAsync(Gpus(1));
        await _rig.Plugins.AllocateAsync(PodOf(Wants("a", 1)), default);
        string file = Path.Combine(_rig.Folders.DevicePlugins, DeviceBook.FileName);
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("gpu-0", "gpu-9"));
        await _rig.RestartAsync();
        Assert.Empty(_rig.Plugins.Pods);
    }

    [Fact]
    public async Task The_health_of_a_Pods_devices_is_told_when_it_changes()
    {
        var plugin = await _rig.AddAsync(Gpus(2));
        var pod = PodOf(Wants("a", 1));
        await _rig.Plugins.AllocateAsync(pod, default);
        string Health() => string.Join(' ', _rig.Plugins.HealthOf(pod.Metadata.Uid, "a").SelectMany(s => s.Resources.Select(r => $"{s.Name} {r.ResourceID} {r.Health}")));
        Assert.Equal("example.com/gpu gpu-0 Healthy", Health());
        plugin.Put("gpu-1", healthy: false);
        plugin.Put("gpu-0", healthy: false);
        await _rig.UntilAsync(k => k.Find(Gpu)!.Healthy.IsEmpty);
        Assert.Equal("example.com/gpu gpu-0 Unhealthy", Health());
        await Waiting.UntilAsync("the Pod told of", () => { lock (_rig.ChangedPods) return _rig.ChangedPods.Contains(pod.Metadata.Uid); });
        plugin.Remove("gpu-0");
        await _rig.UntilAsync(k => k.Find(Gpu)!.Devices.Count == 1);
        Assert.Equal("example.com/gpu gpu-0 Unknown", Health());
    }

    [Fact]
    public async Task Registration_refuses_what_upstream_refuses_and_takes_the_rest()
    {
        await _rig.ServeAsync();
        async Task<string> TryAsync(string resource, string version) => (await Assert.ThrowsAsync<GrpcException>(() => GpuPlugin.RegisterAsync(_rig.Kubelet, resource, "x.sock", version))).Detail;
        Assert.Equal("requested API version \"v1alpha\" is not supported by kubelet. Supported version is [\"v1beta1\"]", await TryAsync(Gpu, "v1alpha"));
        foreach (string bad in (string[])["gpu", "kubernetes.io/gpu", "a/b/c", "example.com/"]) Assert.Equal($"the ResourceName \"{bad}\" is invalid", await TryAsync(bad, "v1beta1"));

        await using var serving = await Grpc.Server.GrpcServer.StartAsync("unix://" + Path.Combine(_rig.Folders.DevicePlugins, "gpu.sock"), Gpus(2).Service());
        await GpuPlugin.RegisterAsync(_rig.Kubelet, Gpu, "gpu.sock");
        await _rig.UntilAsync(k => k.Find(Gpu)?.Devices.Count == 2);
    }

    [Fact]
    public async Task A_start_clears_the_folder_of_sockets_so_that_plugins_register_again()
    {
        await _rig.AddAsync(Gpus(1));
        string stale = Path.Combine(_rig.Folders.DevicePlugins, "old.sock");
        await File.WriteAllTextAsync(stale, "");
        await _rig.ServeAsync();
        Assert.False(File.Exists(stale));
        Assert.True(File.Exists(Path.Combine(_rig.Folders.DevicePlugins, DeviceBook.FileName)));
    }

    [Fact]
    public async Task The_plugin_watcher_takes_plugins_too_and_lets_them_go()
    {
        string socket = Path.Combine(_rig.Folders.Data, "w.sock");
        await using var serving = await Grpc.Server.GrpcServer.StartAsync("unix://" + socket, Gpus(2).Service());
        await Assert.ThrowsAsync<PluginException>(() => _rig.Server.RegisterAsync(Gpu, socket, ["v2"], default));
        await _rig.Server.RegisterAsync(Gpu, socket, ["v1beta1"], default);
        await _rig.UntilAsync(k => k.Find(Gpu)?.Devices.Count == 2);
        await _rig.Server.UnregisterAsync(Gpu, default);
        await _rig.UntilAsync(k => k.Find(Gpu)!.Stopped is not null);
        Assert.Equal("0 of 2", _rig.Amount());
    }
}
