using System.Collections.Concurrent;
using Hanbae.Api.Rest;
using Hanbae.Cri.Devices;
using Hanbae.Grpc;
using Hanbae.Kubelet.Plugins;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>The drivers of dynamic resources that are registered on this node, and the end of what gone ones have offered.</summary>
/// <remarks>
/// As upstream: a driver may register twice while it is replaced by a newer one, and the newest that answers is asked. When the kubelet starts, and
/// half a minute after a driver has gone, its ResourceSlices of this node are removed, so that no Pod is sent here to wait for it.
/// Bound: an entry per socket, a wipe per driver.
/// </remarks>
/// <param name="wipe">Removes the node's ResourceSlices of a driver; of all drivers when it is empty.</param>
sealed class DraDrivers(Func<string, CancellationToken, Task> wipe, DeviceHealths healths, DeviceMetrics metrics, TimeProvider time, ILogger log) : IPluginKind, IDisposable
{
    public static readonly TimeSpan WipingDelay = TimeSpan.FromSeconds(30);
    const int MostPlugins = 8;
    static readonly TimeSpan s_again = TimeSpan.FromSeconds(5), s_longest = TimeSpan.FromMinutes(5);

    readonly Lock _gate = new();
    readonly Dictionary<string, List<DraDriver>> _all = [];
    readonly Dictionary<string, CancellationTokenSource> _wipes = [];
    readonly ConcurrentDictionary<Task, bool> _working = new(); // two per socket, and one per wipe
    readonly CancellationTokenSource _stop = new();

    public string Type => "DRAPlugin";

    /// <summary>A device has another health: driver, pool, device.</summary>
    public Action<string, string, string> HealthChanged { get; set; } = (_, _, _) => { };
    /// <summary>Nobody knows any more how the driver's devices are.</summary>
    public Action<string> HealthLost { get; set; } = _ => { };

    /// <exception cref="DeviceException">It is not there.</exception>
    public DraDriver Get(string name)
    {
        lock (_gate)
        {
            var known = _all.GetValueOrDefault(name, []);
            return known.FindLast(d => d.Connected) ?? known.LastOrDefault() ?? throw new DeviceException($"DRA driver {name} is not registered");
        }
    }

    public async Task RunAsync(CancellationToken ct)
    {
        Work(WipeAsync("", TimeSpan.Zero, ct));
        try { await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false); }
        finally
        {
            Dispose();
            await Task.WhenAll(_working.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task RegisterAsync(string name, string endpoint, IReadOnlyList<string> versions, CancellationToken ct)
    {
        string At(string why) => $"invalid supported gRPC versions of DRA driver plugin {name} at endpoint {endpoint}: {why}";
        if (name.Length == 0) throw new PluginException("DRA driver name is empty");
        if (versions.Count == 0) throw new PluginException(At("empty list for supported gRPC services (aka supported versions)"));
        var methods = versions.Contains(DraMethods.V1) ? DraMethods.OfV1 : versions.Contains(DraMethods.V1Beta1) ? DraMethods.OfV1Beta1
            : throw new PluginException(At($"could not find a supported gRPC service ({DraMethods.V1}, {DraMethods.V1Beta1}) among {string.Join(", ", versions)}"));
        var driver = new DraDriver(name, endpoint, methods, metrics, time);
        List<DraDriver> replaced;
        lock (_gate)
        {
            if (!_all.TryGetValue(name, out var known)) _all[name] = known = [];
            // One that was restarted; and, of too many, those that nobody serves any more.
            replaced = known.FindAll(d => d.Endpoint == endpoint || (known.Count >= MostPlugins && !d.Connected));
            known.RemoveAll(replaced.Contains);
            known.Add(driver);
        }
        foreach (var old in replaced) old.Dispose();
        Look(name);
        Work(driver.FollowAsync(() => Look(name)));
        Work(HealthAsync(driver));
        return Task.CompletedTask;
    }

    public Task UnregisterAsync(string name, CancellationToken ct)
    {
        List<DraDriver>? gone;
        lock (_gate) _all.Remove(name, out gone);
        foreach (var driver in gone ?? []) driver.Dispose();
        Look(name);
        return Task.CompletedTask;
    }

    /// <summary>Begins to wait with the removal of the driver's slices when nobody serves it, and stops waiting when somebody does.</summary>
    void Look(string name)
    {
        lock (_gate)
        {
            bool there = _all.GetValueOrDefault(name, []).Exists(d => d.Connected);
            if (there && _wipes.Remove(name, out var pending)) pending.Cancel();
            if (there || _wipes.ContainsKey(name) || _stop.IsCancellationRequested) return;
            var wait = _wipes[name] = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            Work(WipeAsync(name, WipingDelay, wait.Token));
        }
    }

    /// <summary>Removed sooner or later: tried again for as long as the driver is gone.</summary>
    async Task WipeAsync(string name, TimeSpan delay, CancellationToken ct)
    {
        var pause = TimeSpan.FromSeconds(1);
        try
        {
            await Task.Delay(delay, time, ct).ConfigureAwait(false);
            while (true)
            {
                try
                {
                    await wipe(name, ct).ConfigureAwait(false);
                    return;
                }
                catch (Exception e) when (e is ApiException or HttpRequestException or IOException && !ct.IsCancellationRequested) { log.SlicesLeft(name, e.Message); }
                await Task.Delay(pause, time, ct).ConfigureAwait(false);
                pause = pause * 2 < s_longest ? pause * 2 : s_longest;
            }
        }
        catch (OperationCanceledException) { }
    }

    async Task HealthAsync(DraDriver driver)
    {
        while (!driver.Stopped.IsCancellationRequested)
        {
            try
            {
                await foreach (var told in driver.HealthAsync(driver.Stopped).ConfigureAwait(false))
                    foreach (var (pool, device) in healths.Put(driver.Name, told)) HealthChanged(driver.Name, pool, device);
            }
            catch (GrpcException e) when (e.Status == GrpcStatus.Unimplemented) { return; } // it need not tell
            catch (Exception e) when (e is GrpcException or OperationCanceledException or IOException or ObjectDisposedException) { }
            healths.Forget(driver.Name);
            HealthLost(driver.Name);
            await Task.Delay(s_again, time, driver.Stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    void Work(Task task)
    {
        _working[task] = true;
        _ = task.ContinueWith(t => _working.TryRemove(t, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stop.Cancel();
            foreach (var driver in _all.Values.SelectMany(d => d)) driver.Dispose();
            _all.Clear();
        }
    }
}
