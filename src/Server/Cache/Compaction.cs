using Hanbae.Server.Registry;
using Hanbae.Store;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Cache;

/// <summary>Forgets the store's past as upstream does: every five minutes, what is older than the round before.</summary>
/// <remarks>
/// From then on a list in pages that began before, or at an exact revision before it, is answered 410, whether or not a snapshot of it would
/// still be at hand: clients see one rule. Watches resume from the caches' rings, which have bounds of their own.
/// </remarks>
sealed partial class Compaction(IStore store, Func<IEnumerable<StoredResource>> resources, TimeSpan every, TimeProvider time, ILogger log)
{
    Revision _last;

    public async Task RunAsync(CancellationToken ct)
    {
        if (every <= TimeSpan.Zero) return;
        using var timer = new PeriodicTimer(every, time);
        while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false))
            try { await RoundAsync(ct).ConfigureAwait(false); }
            catch (StoreException e) { Log.Failed(log, e); }
    }

    /// <summary>One round: compacts up to where the last one was.</summary>
    internal async Task RoundAsync(CancellationToken ct)
    {
        var (before, now) = (_last, await store.CurrentAsync(ct).ConfigureAwait(false));
        _last = now;
        if (before == Revision.None) return;
        foreach (var stored in resources()) stored.Snapshots.ForgetBefore(before.Value);
        await store.CompactAsync(before, ct).ConfigureAwait(false);
        Log.Compacted(log, before.Value);
    }

    static partial class Log
    {
        [LoggerMessage(2020, LogLevel.Warning, "The store was not compacted; it is tried again")]
        public static partial void Failed(ILogger logger, Exception e);

        [LoggerMessage(2021, LogLevel.Debug, "The store was compacted up to revision {Revision}")]
        public static partial void Compacted(ILogger logger, long revision);
    }
}
