namespace Hanbae.Host.Runtime;

/// <summary>Gives memory back to the machine when work has ended: without allocations no collection comes, and what the last burst left would stay.</summary>
/// <remarks>Looks twice a minute. A collection that compacts stops the process for about a second per gigabyte alive: so only in quiet, and once after each burst.</remarks>
static class Quiet
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(30);
    /// <summary>Allocated in a period: fewer bytes are quiet, more since the last collection of this kind are worth one.</summary>
    const long Calm = 16 << 20, Worth = 8 << 20;

    public static async Task RunAsync(TimeProvider time, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Period, time);
        long collected = 0, last = 0;
        while (await timer.WaitForNextTickAsync(ct))
        {
            long allocated = GC.GetTotalAllocatedBytes();
            bool collect = IsDue(last, allocated, collected);
            last = allocated;
            if (!collect) continue;
            collected = allocated;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            Native.TrimHeap();
        }
    }

    /// <param name="last">Bytes ever allocated, at the last look.</param>
    /// <param name="now">The same now.</param>
    /// <param name="collected">The same at the last collection of this kind.</param>
    internal static bool IsDue(long last, long now, long collected) => now - last < Calm && now - collected > Worth;
}
