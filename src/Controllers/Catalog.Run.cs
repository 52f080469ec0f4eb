using Hanbae.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Controllers;

public static partial class Catalog
{
    static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    /// <summary>Runs the controllers, each in its own loop, until cancelled; one that breaks is logged and started anew.</summary>
    /// <param name="access">Each controller's access, by its entry: identity and Event source are its own, caches are shared.</param>
    public static Task RunAsync(Func<CatalogEntry, IClusterAccess> access, ControllerOptions options, CancellationToken ct, ILogger? logger = null) =>
        RunAsync(access, options, static _ => { }, ct, logger);

    /// <param name="started">Is told of each loop.</param>
    internal static Task RunAsync(Func<CatalogEntry, IClusterAccess> access, ControllerOptions options, Action<ReconcileLoop> started, CancellationToken ct, ILogger? logger = null) =>
        Task.WhenAll(All.Where(e => options.Run.Has(e) && (e.Needs is not { } needed || options.MoreServed.Has(needed)))
            .Select(e => SuperviseAsync(e, access(e), options, started, logger ?? NullLogger.Instance, ct)));

    static async Task SuperviseAsync(CatalogEntry entry, IClusterAccess cluster, ControllerOptions options, Action<ReconcileLoop> started, ILogger logger, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var reconciler = entry.Make(cluster, options);
                var loop = new ReconcileLoop(entry.Alias ?? entry.Name, reconciler, cluster.Time, new() { Workers = options.Workers }, logger);
                started(loop);
                await loop.RunAsync(ct);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                Log.Broke(logger, e, entry.Name);
                try { await Task.Delay(RestartPause, cluster.Time, ct); }
                catch (OperationCanceledException) { return; }
            }
        }
    }

    static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Error, "controller {Name} broke: starting it again")]
        public static partial void Broke(ILogger logger, Exception e, string name);
    }
}
