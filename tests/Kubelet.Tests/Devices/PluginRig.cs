using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.DeviceDriver;
using Hanbae.Grpc.Server;
using Hanbae.Kit;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Devices;

/// <summary>A kubelet's side of device plugins, with plugins that talk to it over real sockets and a clock that stands still.</summary>
sealed class PluginRig : IAsyncDisposable
{
    public const string Gpu = "example.com/gpu";

    readonly string _root = Directory.CreateTempSubdirectory("hanbae-dev-").FullName;
    readonly SemaphoreSlim _changed = new(0);
    readonly List<GrpcServer> _servers = [];
    CancellationTokenSource _stop = new();
    Task _serving = Task.CompletedTask;

    public PluginRig() => Plugins = Make();

    public FakeTime Time { get; } = new();
    public DevicePlugins Plugins { get; private set; }
    public List<string> ChangedPods { get; } = [];
    public PodFolders Folders => new(_root, Path.Combine(_root, "logs"));
    public string Kubelet => Path.Combine(Folders.DevicePlugins, "kubelet.sock");
    public DevicePluginServer Server { get; private set; } = null!;

    DevicePlugins Make()
    {
        var plugins = new DevicePlugins(Folders, Time, NullLogger.Instance) { Changed = () => _changed.Release(), PodChanged = uid => { lock (ChangedPods) ChangedPods.Add(uid); } };
        Kept = plugins.Load();
        Server = new(Folders.DevicePlugins, plugins, NullLogger.Instance);
        return plugins;
    }

    /// <summary>Whether something was kept from before.</summary>
    public bool Kept { get; private set; }

    /// <summary>Serves the registration socket, and waits until that is there.</summary>
    public async Task ServeAsync()
    {
        _serving = Server.RunAsync(_stop.Token);
        await Waiting.UntilAsync("the kubelet's socket", () => File.Exists(Kubelet) || _serving.IsCompleted);
        if (_serving.IsCompleted) await _serving;
    }

    /// <summary>Another kubelet over the same folder, as after a kill.</summary>
    public async Task RestartAsync()
    {
        await EndAsync();
        (_stop, Plugins) = (new(), Make());
    }

    public async Task<GpuPlugin> AddAsync(GpuPlugin plugin, string resource = Gpu)
    {
        string socket = Path.Combine(_root, Guid.NewGuid().ToString("N")[..6] + ".sock");
        _servers.Add(await GrpcServer.StartAsync("unix://" + socket, plugin.Service()));
        while (_changed.Wait(0)) { }
        await Plugins.ConnectAsync(resource, socket, default);
        await _changed.WaitAsync(TimeSpan.FromSeconds(60));
        return plugin;
    }

    /// <summary>Until the plugins have told so.</summary>
    public async Task UntilAsync(Func<DeviceKinds, bool> condition)
    {
        while (!condition(Plugins.Kinds)) Assert.True(await _changed.WaitAsync(TimeSpan.FromSeconds(60)), $"not within 60 s; there is {string.Join("; ", Plugins.Kinds.All)}");
    }

    public string Amount(string resource = Gpu) => Plugins.Kinds.Amounts is var (all, free) && all.ContainsKey(resource) ? $"{free[resource]} of {all[resource]}" : "none";

    public string Has(Pod pod, string container) => string.Join(',', Plugins.Of(pod.Metadata.Uid).Where(g => g.Container == container).SelectMany(g => g.Devices.Keys));

    static int s_pods;

    public static Container Wants(string name, int gpus, string resource = Gpu) =>
        new() { Name = name, Image = "busybox", Resources = new() { Limits = gpus > 0 ? Map.Of((resource, new Quantity(gpus))) : default, Requests = gpus > 0 ? Map.Of((resource, new Quantity(gpus))) : default } };

    public static Pod PodOf(params Container[] containers)
    {
        string uid = "uid-" + Interlocked.Increment(ref s_pods);
        return Tests.Make.Pod(containers) with { Metadata = new() { Name = "pod-of-" + uid, Namespace = "default", Uid = uid, Generation = 1 } };
    }

    async Task EndAsync()
    {
        await _stop.CancelAsync();
        try { await _serving; }
        catch (OperationCanceledException) { }
        Plugins.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        foreach (var server in _servers) await server.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}

static class Waiting
{
    /// <summary>For what tells nobody when it has come.</summary>
    public static async Task UntilAsync(string what, Func<bool> condition)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!condition())
        {
            Assert.False(bound.IsCancellationRequested, "not within 60 s: " + what);
            await glance.WaitForNextTickAsync();
        }
    }
}
