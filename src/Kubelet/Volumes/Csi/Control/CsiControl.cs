using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Grpc;
using Microsoft.Extensions.Logging;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Works the controller service of the drivers whose sockets are on this node, so that a driver needs none of upstream's helper containers.</summary>
/// <remarks>
/// One worker for each driver in the cluster: who holds the Lease <c>kube-system/hanbae-csi-&lt;driver&gt;</c>. Where a helper of upstream's runs, the
/// part that it does is left to it (<see cref="Sidecars"/>).
/// </remarks>
/// <param name="identity">The node's name: a process that was killed goes on at once when it comes back.</param>
public sealed partial class CsiControl(IClusterAccess cluster, CsiDrivers drivers, string identity, ILogger log)
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5), s_look = TimeSpan.FromSeconds(10);

    public async Task RunAsync(CancellationToken ct)
    {
        // One waiting change stands for all before it.
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        void Changed() => changes.Writer.TryWrite(true);
        Dictionary<CsiDriver, (Task Task, CancellationTokenSource Stop)> running = [];
        drivers.Changed += Changed;
        Changed();
        try
        {
            await foreach (bool _ in changes.Reader.ReadAllAsync(ct).ConfigureAwait(false))
            {
                var there = drivers.All;
                foreach (var gone in running.Keys.Except(there).ToArray()) await EndAsync(running, gone).ConfigureAwait(false);
                foreach (var driver in there)
                    if (!running.ContainsKey(driver))
                    {
                        var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
                        running[driver] = (Task.Run(() => ServeAsync(driver, stop.Token), CancellationToken.None), stop);
                    }
            }
        }
        finally
        {
            drivers.Changed -= Changed;
            foreach (var driver in running.Keys.ToArray()) await EndAsync(running, driver).ConfigureAwait(false);
        }
    }

    static async Task EndAsync(Dictionary<CsiDriver, (Task Task, CancellationTokenSource Stop)> running, CsiDriver driver)
    {
        var (task, stop) = running[driver];
        await stop.CancelAsync().ConfigureAwait(false);
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        running.Remove(driver);
    }

    async Task ServeAsync(CsiDriver driver, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                if (await ControllerSide.OfAsync(driver, ct).ConfigureAwait(false) is not { } side) return;
                Log.Found(log, driver.Name);
                await new LeaderElector(cluster.Client, new Key("kube-system", "hanbae-csi-" + driver.Name), identity, cluster.Time, logger: log).RunAsync(lead => LeadAsync(side, lead), ct).ConfigureAwait(false);
            }
            catch (Exception) when (ct.IsCancellationRequested) { return; }
            catch (GrpcException e) { Log.NoAnswer(log, driver.Name, e.Message); }
            catch (Exception e) { Log.Broke(log, e, driver.Name); }
            await Task.Delay(s_pause, cluster.Time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task LeadAsync(ControllerSide side, CancellationToken ct)
    {
        var sidecars = new Sidecars(cluster, side.Driver);
        await sidecars.LookAsync(ct).ConfigureAwait(false);
        Func<CancellationToken, Task> Loop(string name, IReconciler reconciler) => new ReconcileLoop(name + " " + side.Name, reconciler, cluster.Time, logger: log).RunAsync;
        await Together.RunAsync(
        [
            sidecars.RunAsync,
            Loop("csi-provision", new Provision(cluster, side, sidecars, new(cluster))), Loop("csi-attach", new Bring(cluster, side, sidecars)),
            Loop("csi-resize", new Resize(cluster, side, sidecars)), Loop("csi-modify", new Modify(cluster, side, sidecars)), Loop("csi-capacity", new Room(cluster, side, sidecars)),
            .. side.Does(ControllerCan.CreateDeleteSnapshot) ? (Func<CancellationToken, Task>[])[stop => SnapshotsAsync(side, sidecars, stop)] : [],
        ], ct).ConfigureAwait(false);
    }

    /// <summary>Snapshots are custom resources: until somebody installs them there is nothing to do.</summary>
    async Task SnapshotsAsync(ControllerSide side, Sidecars sidecars, CancellationToken ct)
    {
        while (!await InstalledAsync(ct).ConfigureAwait(false))
        {
            await Task.Delay(s_look, cluster.Time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ct.IsCancellationRequested) return;
        }
        var snapshots = new DynamicInformer(cluster.Client.Transport, SnapshotKinds.Snapshots, ListQuery.All, cluster.Time, logger: log);
        var contents = new DynamicInformer(cluster.Client.Transport, SnapshotKinds.Contents, ListQuery.All, cluster.Time, logger: log);
        var loop = new ReconcileLoop("csi-snapshot " + side.Name, new Snapshots(cluster, side, sidecars, snapshots.Cache, contents.Cache), cluster.Time, logger: log);
        await Together.RunAsync([snapshots.RunAsync, contents.RunAsync, loop.RunAsync], ct).ConfigureAwait(false);
    }

    async Task<bool> InstalledAsync(CancellationToken ct)
    {
        try
        {
            foreach (var kind in (ResourceInfo[])[SnapshotKinds.Snapshots, SnapshotKinds.Contents, SnapshotKinds.Classes])
                await cluster.Client.Dynamic(kind).ListAsync(new() { Limit = 1 }, ct).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is ApiException or HttpRequestException && !ct.IsCancellationRequested) { return false; }
    }

    static partial class Log
    {
        [LoggerMessage(8031, LogLevel.Information, "driver {Driver} has a controller service here")]
        public static partial void Found(ILogger logger, string driver);

        [LoggerMessage(8032, LogLevel.Warning, "driver {Driver} does not tell what it can do: {Message}")]
        public static partial void NoAnswer(ILogger logger, string driver, string message);

        [LoggerMessage(8033, LogLevel.Error, "the controller of driver {Driver} broke: starting it again")]
        public static partial void Broke(ILogger logger, Exception e, string driver);
    }
}
