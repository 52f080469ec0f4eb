using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.Cri.Devices.Health;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Devices.Dynamic;
using Hanbae.Kubelet.Plugins;
using static Hanbae.Kubelet.Tests.Devices.ClaimRig;

namespace Hanbae.Kubelet.Tests.Devices;

public sealed class DraDriversTests : IAsyncLifetime
{
    readonly ClaimRig _rig = new();

    public Task InitializeAsync() => Task.CompletedTask;
    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    [Fact]
    public async Task A_driver_that_speaks_no_version_that_we_do_is_told_so()
    {
        async Task<string> TryAsync(params string[] versions) => (await Assert.ThrowsAsync<PluginException>(() => _rig.Drivers.RegisterAsync(Name, "/x.sock", versions, default))).Message;
        Assert.Equal($"invalid supported gRPC versions of DRA driver plugin {Name} at endpoint /x.sock: empty list for supported gRPC services (aka supported versions)", await TryAsync());
        Assert.Contains("v1alpha3", await TryAsync("v1alpha3"));
        await Assert.ThrowsAsync<PluginException>(() => _rig.Drivers.RegisterAsync("", "/x.sock", [DraMethods.V1], default));
    }

    [Fact]
    public async Task Slices_of_before_go_at_the_start_and_again_until_they_have_gone()
    {
        int tries = 0;
        _rig.WipeFails = () => tries++ == 0 ? new HttpRequestException("no API yet") : null;
        using var stop = new CancellationTokenSource();
        var running = _rig.Drivers.RunAsync(stop.Token);
        await Waiting.UntilAsync("a first try", () => tries == 1);
        await _rig.Time.WhenSetAsync();
        Assert.Empty(_rig.Wiped);
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        await Waiting.UntilAsync("the wipe", () => !_rig.Wiped.IsEmpty);
        Assert.Equal([""], _rig.Wiped);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task A_driver_that_is_gone_for_half_a_minute_offers_nothing_any_more()
    {
        await _rig.AddAsync();
        await _rig.Drivers.UnregisterAsync(Name, default);
        await _rig.Time.WhenSetAsync();
        _rig.Time.Advance(DraDrivers.WipingDelay - TimeSpan.FromSeconds(1));
        Assert.Empty(_rig.Wiped);
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        await Waiting.UntilAsync("the wipe", () => !_rig.Wiped.IsEmpty);
        Assert.Equal([Name], _rig.Wiped);
        Assert.Throws<DeviceException>(() => _rig.Drivers.Get(Name));
    }

    [Fact]
    public async Task A_driver_that_comes_back_in_time_keeps_what_it_offers()
    {
        var driver = new Hanbae.DeviceDriver.ClaimDriver(Name, _rig.Cdi);
        var server = await _rig.ServeAsync(driver, health: false);
        await _rig.RegisterAsync();
        await _rig.EndAsync(server);
        await Waiting.UntilAsync("its end seen", () => !_rig.Drivers.Get(Name).Connected);
        _rig.Time.Advance(TimeSpan.FromSeconds(20));
        await _rig.ServeAsync(driver, health: false);
        await Waiting.UntilAsync("its return", () =>
        {
            if (!_rig.Drivers.Get(Name).Connected) _rig.Time.Advance(TimeSpan.FromMilliseconds(10));
            return _rig.Drivers.Get(Name).Connected;
        });
        _rig.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(_rig.Wiped);
    }

    [Fact]
    public async Task Of_two_plugins_of_a_driver_the_newest_that_answers_is_asked()
    {
        var old = new Hanbae.DeviceDriver.ClaimDriver(Name, _rig.Cdi);
        await _rig.ServeAsync(old, "old.sock", health: false);
        await _rig.RegisterAsync(file: "old.sock");
        var next = new Hanbae.DeviceDriver.ClaimDriver(Name, _rig.Cdi);
        var server = await _rig.ServeAsync(next, "next.sock", health: false);
        await _rig.RegisterAsync(file: "next.sock");
        await Waiting.UntilAsync("the newer one", () => _rig.Drivers.Get(Name).Endpoint.EndsWith("next.sock"));
        await _rig.EndAsync(server);
        await Waiting.UntilAsync("the older one", () => _rig.Drivers.Get(Name).Endpoint.EndsWith("old.sock"));
    }

    [Fact]
    public async Task The_health_that_a_driver_tells_is_in_the_status_until_nobody_knows()
    {
        var changed = new TaskCompletionSource<string>();
        _rig.Drivers.HealthChanged = (driver, pool, device) => changed.TrySetResult($"{driver} {pool} {device}");
        var driver = await _rig.AddAsync();
        var pod = PodWith("c");
        var claim = _rig.Allocate("c", Name, pod);
        await _rig.Claims.PrepareAsync(pod, default);
        Assert.Equal([pod.Metadata.Uid], _rig.Claims.Users(Name, "pool", "of-gpu"));
        ResourceHealth Health()
        {
            var status = Assert.Single(_rig.Claims.HealthOf(pod, pod.Spec.Containers[0]));
            Assert.Equal("claim:my-c", status.Name);
            return Assert.Single(status.Resources);
        }
        Assert.Equal((claim.Metadata.Uid, "Unknown", null), (Health().ResourceID.Split('=')[1].Replace("-gpu", ""), Health().Health, Health().Message));
        driver.Tell("of-gpu", HealthStatus.Unhealthy, new string('x', 2000));
        Assert.Equal($"{Name} pool of-gpu", await changed.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(("Unhealthy", 1024), (Health().Health, Health().Message!.Length));
        Assert.EndsWith("x...", Health().Message);
        _rig.Time.Advance(TimeSpan.FromSeconds(3601)); // not said again
        Assert.Equal("Unknown", Health().Health);
    }
}
