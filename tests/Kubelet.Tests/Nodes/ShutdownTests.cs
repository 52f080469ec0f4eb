using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kit;
using Hanbae.Kubelet.DBus;
using Hanbae.Kubelet.Nodes.Shutdown;
using Hanbae.Kubelet.Pods;
using Hanbae.Machinery.Figures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Nodes;

public sealed class ShutdownTests : IAsyncLifetime
{
    readonly FakeBus _bus = new();
    readonly PodBench _bench = new(("app:1", FakeProgram.Forever));
    readonly CancellationTokenSource _stop = new();
    readonly WakeUp _status = new();
    PodWorkers _workers = null!;
    NodeShutdown _shutdown = null!;
    Task _watching = Task.CompletedTask;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching.ContinueWith(_ => { }, TaskScheduler.Default);
        if (_workers is not null) await _workers.WhenDoneAsync().ContinueWith(_ => { }, TaskScheduler.Default);
        await _bus.DisposeAsync();
        _bench.Dispose();
        _stop.Dispose();
    }

    KubeletOptions Options(int grace = 30, int critical = 10) => _bench.Options with
    {
        ShutdownGrace = TimeSpan.FromSeconds(grace), ShutdownGraceCritical = TimeSpan.FromSeconds(critical), SystemBus = _bus.Path, LogindFolder = _bus.Logind,
    };

    /// <summary>On a clock that goes: the kubelet's loops run by themselves here.</summary>
    void Watch(KubeletOptions options)
    {
        var context = _bench.Context with { Options = options, Time = TimeProvider.System, Refuse = _ => _shutdown.Begun ? new("NodeShutdown", "Pod was rejected as the node is shutting down.") : null };
        _workers = new(context, _stop.Token);
        _shutdown = new(context, _workers);
        var node = new Node { Metadata = new() { Name = "node" } };
        _watching = new ShutdownWatch(options, _shutdown, _bench.Events, () => node, _status, TimeProvider.System, NullLogger.Instance).RunAsync(_stop.Token);
    }

    static Pod Pod(string name, int priority = 0) => Make.Pod(new Container { Name = "a", Image = "app:1" }) is var pod
        ? pod with { Metadata = pod.Metadata with { Name = name, Uid = name }, Spec = pod.Spec with { Priority = priority, TerminationGracePeriodSeconds = 0 } } : null!;

    async Task UntilAsync(string pod, Func<PodStatus, bool> condition) =>
        await Devices.Waiting.UntilAsync($"{pod} as wanted", () => _bench.Reports.Last.TryGetValue(pod, out var status) && condition(status));

    [Fact]
    public async Task A_shutdown_waits_until_the_Pods_have_ended_in_order()
    {
        Watch(Options());
        await _bus.UntilAsync("Inhibit shutdown,kubelet,Kubelet needs time to handle node shutdown,delay");
        _workers.Add(Pod("web"));
        _workers.Add(Pod("critical", 2_000_000_000));
        await UntilAsync("web", s => s.Phase == "Running");
        await UntilAsync("critical", s => s.Phase == "Running");

        _bus.Prepare(true);
        await _bus.UntilReleasedAsync();
        foreach (string name in (string[])["web", "critical"])
        {
            var status = _bench.Reports.Last[name];
            Assert.Equal(("Failed", "Terminated", "Pod was terminated in response to imminent node shutdown."), (status.Phase, status.Reason, status.Message));
            var target = status.Conditions.Find(c => c.Type == "DisruptionTarget")!;
            Assert.Equal(("True", "TerminationByKubelet"), (target.Status, target.Reason));
        }
        Assert.True(_bench.Reports.Last["web"].ContainerStatuses[0].State.Terminated!.FinishedAt <= _bench.Reports.Last["critical"].ContainerStatuses[0].State.Terminated!.FinishedAt);
        Assert.Contains("Normal NodeShutdown Shutdown manager detected shutdown event", _bench.Events.All);

        _workers.Add(Pod("late"));
        await UntilAsync("late", s => s.Phase == "Failed");
        Assert.Equal(("NodeShutdown", "Pod was rejected: Pod was rejected as the node is shutting down."), (_bench.Reports.Last["late"].Reason, _bench.Reports.Last["late"].Message));
        var text = new PrometheusText();
        NodeShutdown.Render(text, Options());
        Assert.Contains("kubelet_graceful_shutdown_start_time_seconds ", text.ToString());
        Assert.Contains("kubelet_graceful_shutdown_end_time_seconds ", text.ToString());
    }

    [Fact]
    public async Task A_shutdown_that_is_called_off_is_held_up_again()
    {
        Watch(Options());
        await _bus.UntilAsync("Inhibit shutdown,kubelet,Kubelet needs time to handle node shutdown,delay");
        _bus.Prepare(true);
        await _bus.UntilReleasedAsync();
        Assert.True(_shutdown.Begun);
        _bus.Prepare(false);
        await _bus.UntilAsync("Inhibit shutdown,kubelet,Kubelet needs time to handle node shutdown,delay");
        Assert.False(_shutdown.Begun);
        Assert.Contains("Normal NodeShutdown Shutdown manager detected shutdown cancellation", _bench.Events.All);
        _workers.Add(Pod("web"));
        await UntilAsync("web", s => s.Phase == "Running");
    }

    [Fact]
    public async Task Logind_is_told_to_wait_as_long_as_the_Pods_may_take()
    {
        Watch(Options(grace: 90));
        await _bus.UntilAsync("KillUnit");
        await _bus.UntilAsync("Inhibit shutdown,kubelet,Kubelet needs time to handle node shutdown,delay");
        Assert.Equal("# Kubelet logind override\n[Login]\nInhibitDelayMaxSec=90\n", File.ReadAllText(Path.Combine(_bus.Logind, "99-kubelet.conf")));
    }

    [Fact]
    public async Task A_bus_that_goes_away_is_asked_again_when_it_is_back()
    {
        Watch(Options());
        await _bus.UntilAsync("Inhibit shutdown,kubelet,Kubelet needs time to handle node shutdown,delay");
        _bus.Drop();
        await _bus.UntilAsync("Inhibit shutdown,kubelet,Kubelet needs time to handle node shutdown,delay");
    }

    [Fact]
    public async Task What_the_bus_refuses_is_said_in_its_words()
    {
        await using var bus = await DBusConnection.ConnectAsync(_bus.Path, TimeProvider.System, default);
        Assert.Equal("Dance: no such method", (await Assert.ThrowsAsync<DBusException>(() => bus.CallAsync("a.b", "/", "a.b", "Dance", "", [], default))).Message);
        await Assert.ThrowsAsync<IOException>(() => DBusConnection.ConnectAsync(_bus.Path + "no", TimeProvider.System, default));
    }

    [BusFact]
    public async Task A_real_bus_understands_and_is_understood()
    {
        string socket = Path.Combine(Path.GetDirectoryName(_bus.Path)!, "real");
        using var daemon = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(BusFactAttribute.Program, ["--session", "--nofork", "--nopidfile", "--print-address", "--address=unix:path=" + socket]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            Assert.NotNull(await daemon.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)));
            await using var bus = await DBusConnection.ConnectAsync(socket, TimeProvider.System, default);
            const string name = "org.freedesktop.DBus", path = "/org/freedesktop/DBus";
            Assert.Matches("^[0-9a-f]{32}$", (string)(await bus.CallAsync(name, path, name, "GetId", "", [], default)).Body.Single());
            Assert.Equal([true], (await bus.CallAsync(name, path, name, "NameHasOwner", "s", [name], default)).Body);
            Assert.Equal([1u], (await bus.CallAsync(name, path, name, "RequestName", "su", ["hanbae.Test", 0u], default)).Body);
            await new Logind(bus).WatchAsync(default);
            var signal = await bus.Signals.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60)); // of the name that we have since then
            Assert.Equal(("NameAcquired", null), (signal.Member, Logind.Begins(signal)));
            var e = await Assert.ThrowsAsync<DBusException>(() => new Logind(bus).DelayAsync(default));
            Assert.StartsWith("Get: The name org.freedesktop.login1 was not provided by any .service files", e.Message);
        }
        finally
        {
            daemon.Kill();
            await daemon.WaitForExitAsync();
        }
    }

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(0, 0)]
    [InlineData(99_999, 10_000)]
    [InlineData(100_000, 100_000)]
    [InlineData(int.MaxValue, 100_000)]
    public void A_Pod_has_the_time_of_the_highest_priority_that_it_reaches(int priority, int group)
    {
        var options = _bench.Options with { ShutdownGraceByPriority = [(100_000, TimeSpan.FromSeconds(10)), (0, TimeSpan.FromSeconds(60)), (10_000, TimeSpan.FromSeconds(20))] };
        var groups = NodeShutdown.Groups([Pod("one", priority)], p => p, options);
        Assert.Equal([0, 10_000, 100_000], groups.Select(g => g.Priority));
        Assert.Equal(group, groups.Single(g => g.Pods.Count > 0).Priority);
    }

    [Fact]
    public void Without_priorities_critical_Pods_have_the_last_part_of_the_time()
    {
        Assert.Equal([("web", 20.0), ("critical", 10.0)], NodeShutdown.Groups([Pod("critical", 2_000_000_000), Pod("web")], p => p, Options()).Select(g => (g.Pods[0].Metadata.Name, g.Grace.TotalSeconds)));
        Assert.Empty(NodeShutdown.Groups([Pod("web")], p => p, _bench.Options));
    }
}

/// <summary>A fact that needs a message bus of its own.</summary>
sealed class BusFactAttribute : FactAttribute
{
    public const string Program = "/usr/bin/dbus-daemon";

    public BusFactAttribute() => Skip = File.Exists(Program) ? null : "needs " + Program;
}
