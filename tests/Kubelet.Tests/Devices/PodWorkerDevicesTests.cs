using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Cri.V1;
using Hanbae.DeviceDriver;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Devices;

/// <summary>A Pod's worker with devices: what is asked when, and what becomes of the Pod.</summary>
public sealed class PodWorkerDevicesTests : IAsyncLifetime
{
    readonly PluginRig _plugins = new();
    readonly ClaimRig _claims = new();
    readonly PodBench _bench = new(("busybox", FakeProgram.Forever), ("app:1", FakeProgram.Forever));

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        _bench.Dispose();
        await _claims.DisposeAsync();
        await _plugins.DisposeAsync();
    }

    PodDevices Devices => new(_plugins.Plugins, _claims.Claims, new([_claims.Cdi], NullLogger.Instance), () => "containerd://1.6.20");

    PodWorker Worker(Pod pod) => new(_bench.Context with { Devices = Devices, Placements = new(_bench.Options, Placement.Machines.OneSocket, _plugins.Plugins, _bench.Time, NullLogger.Instance) }, pod);

    static async Task SettleAsync(PodWorker worker, PodBench bench)
    {
        for (int i = 0; i < 20 && await worker.SyncAsync(default) <= bench.Time.GetUtcNow(); i++) { }
    }

    [Fact]
    public async Task A_Pod_that_cannot_have_its_device_fails_in_upstreams_words()
    {
        await _plugins.AddAsync(new GpuPlugin(("gpu-0", [])));
        var worker = Worker(PluginRig.PodOf(PluginRig.Wants("a", 2)));
        await SettleAsync(worker, _bench);
        Assert.Equal(("Failed", "UnexpectedAdmissionError"), (worker.Status!.Phase, worker.Status.Reason));
        const string why = "Allocate failed due to requested number of devices unavailable for example.com/gpu. Requested: 2, Available: 1, which is unexpected";
        Assert.Equal("Pod was rejected: " + why, worker.Status.Message);
        Assert.Equal(["Warning UnexpectedAdmissionError " + why], _bench.Events.All);
    }

    [Fact]
    public async Task A_running_Pod_has_its_device_until_it_ends_and_a_new_kubelet_asks_nobody()
    {
        var plugin = await _plugins.AddAsync(new GpuPlugin(("gpu-0", [])));
        var pod = PluginRig.PodOf(PluginRig.Wants("a", 1));
        var worker = Worker(pod);
        await SettleAsync(worker, _bench);
        Assert.Equal("Running", worker.Status!.Phase);
        var health = Assert.Single(worker.Status.ContainerStatuses[0].AllocatedResourcesStatus);
        Assert.Equal(("example.com/gpu", "gpu-0", "Healthy"), (health.Name, health.Resources[0].ResourceID, health.Resources[0].Health));

        await _plugins.RestartAsync(); // and the plugin is not back
        worker = Worker(pod);
        await SettleAsync(worker, _bench);
        Assert.Equal("Running", worker.Status!.Phase);
        Assert.Equal(["allocate gpu-0"], plugin.Asked);
        Assert.Equal("gpu-0", _plugins.Has(pod, "a"));

        worker.Remove(0);
        for (int i = 0; i < 20 && !worker.Done; i++)
        {
            await worker.SyncAsync(default);
            _bench.Time.Advance(1);
        }
        Assert.True(worker.Done);
        Assert.Empty(_plugins.Plugins.Pods);
    }

    [Fact]
    public async Task A_kubelet_that_starts_again_refuses_a_Pod_that_does_not_run_yet_while_the_plugin_is_missing()
    {
        await _plugins.AddAsync(new GpuPlugin(("gpu-0", [])));
        var pod = PluginRig.PodOf(PluginRig.Wants("a", 1));
        await _plugins.Plugins.AllocateAsync(pod, default);
        await _plugins.RestartAsync();
        var worker = Worker(pod);
        await SettleAsync(worker, _bench);
        Assert.Equal("Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices example.com/gpu, which is unexpected", worker.Status!.Message);
    }

    [Fact]
    public async Task Claims_are_ready_before_the_sandbox_and_taken_back_before_the_end_is_told()
    {
        var pod = ClaimRig.PodWith("c");
        var worker = Worker(pod);
        _claims.Allocate("c", ClaimRig.Name, pod);
        await worker.SyncAsync(default);
        Assert.Equal([$"Warning FailedPrepareDynamicResources Failed to prepare dynamic resources: prepare dynamic resources: DRA driver {ClaimRig.Name} is not registered"], _bench.Events.All);
        Assert.Empty(worker.Runtime!.Sandboxes);

        var driver = await _claims.AddAsync();
        _bench.Time.Advance(60);
        await SettleAsync(worker, _bench);
        Assert.Equal("Running", worker.Status!.Phase);
        Assert.Equal("claim:my-c", Assert.Single(worker.Status.ContainerStatuses[0].AllocatedResourcesStatus).Name);

        driver.Fails = (call, _) => Task.FromResult(call == "unprepare" ? "busy" : "");
        worker.Fail(new("Evicted", "for the test"), grace: 0);
        var e = await Assert.ThrowsAsync<DeviceException>(() => worker.SyncAsync(default));
        Assert.Contains("busy", e.Message);
        Assert.NotEqual("Failed", worker.Status.Phase);
        driver.Fails = (_, _) => Task.FromResult("");
        await worker.SyncAsync(default);
        Assert.Equal("Failed", worker.Status.Phase);
        Assert.Empty(driver.Ready);
    }

    [Fact]
    public async Task What_plugins_and_claims_say_is_in_the_configuration_before_the_Pods_own()
    {
        await _plugins.AddAsync(new GpuPlugin(("gpu-0", []))
        {
            Answers = ids => new()
            {
                Envs = { ["GPU_IDS"] = ids[0] }, Annotations = { ["vendor.com/a"] = "b" }, Mounts = { new Cri.Devices.Mount { ContainerPath = "/lib/gpu", HostPath = "/host/gpu", ReadOnly = true } },
                Devices = { new Cri.Devices.DeviceSpec { ContainerPath = "/dev/gpu-0", HostPath = "/dev/zero", Permissions = "r" } },
            },
        });
        await _claims.AddAsync();
        var pod = ClaimRig.PodWith("c");
        pod = pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Resources = pod.Spec.Containers[0].Resources with { Limits = PluginRig.Wants("x", 1).Resources.Limits } }] } };
        _claims.Allocate("c", ClaimRig.Name, pod);
        await _plugins.Plugins.AllocateAsync(pod, default);
        await _claims.Claims.PrepareAsync(pod, default);

        var config = new ContainerConfig { Envs = { new KeyValue { Key = "OWN" } }, Mounts = { new Mount { ContainerPath = "/own" } }, Linux = new() };
        await Devices.AddToAsync(config, pod, pod.Spec.Containers[0], default);
        Assert.Equal(["GPU_IDS", "OWN", "CLAIM_GPU"], config.Envs.Select(e => e.Key));
        Assert.Equal(["/lib/gpu True", "/own False"], config.Mounts.Select(m => $"{m.ContainerPath} {m.Readonly}"));
        Assert.Equal(["/dev/gpu-0", "/dev/claimed-gpu"], config.Devices.Select(d => d.ContainerPath));
        Assert.Equal("b", config.Annotations["vendor.com/a"]);

        var modern = new PodDevices(_plugins.Plugins, _claims.Claims, new([], NullLogger.Instance), () => "containerd://2.1.9");
        config = new ContainerConfig { Linux = new() };
        await modern.AddToAsync(config, pod, pod.Spec.Containers[0], default);
        Assert.StartsWith(ClaimRig.Name + "/gpu=", Assert.Single(config.CDIDevices).Name);
    }
}
