using System.Globalization;

namespace Hanbae.Bench.Requests;

/// <summary>What a run of equal requests took of the process.</summary>
sealed record Cost(string What, int Count, TimeSpan Cpu, long Allocated, int Collections, TimeSpan Paused)
{
    public static string Header => $"{"",-12}{"count",8}{"CPU µs each",14}{"bytes each",12}{"collections",13}{"paused ms",11}";

    /// <param name="after">Takes back what was done, uncounted.</param>
    public static async Task<Cost> OfAsync(string what, int count, int atOnce, Func<int, ValueTask> request, Func<ValueTask>? after)
    {
        GC.Collect();
        var (cpu, paused) = (Environment.CpuUsage.TotalTime, GC.GetTotalPauseDuration());
        long allocated = GC.GetTotalAllocatedBytes();
        int collections = GC.CollectionCount(0);
        if (atOnce == 1) for (int i = 0; i < count; i++) await request(i);
        else await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, (i, _) => request(i));
        var cost = new Cost(what, count, Environment.CpuUsage.TotalTime - cpu, GC.GetTotalAllocatedBytes() - allocated, GC.CollectionCount(0) - collections, GC.GetTotalPauseDuration() - paused);
        if (after is not null) await after();
        return cost;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{What,-12}{Count,8}{Cpu.TotalMicroseconds / Count,14:n1}{Allocated / Count,12:n0}{Collections,13}{Paused.TotalMilliseconds,11:n1}");
}
