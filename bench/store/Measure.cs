using System.Diagnostics;

namespace Hanbae.Bench.Store;

/// <summary>What a stretch of work took: by the clock, in processor time of this process, and in garbage.</summary>
sealed record Measure(string What, int Count, TimeSpan Took, TimeSpan Cpu, long Allocated, TimeSpan[]? Latencies)
{
    public static async Task<Measure> OfAsync(string what, int count, Func<TimeSpan[]?, Task> work, bool latencies = true)
    {
        var each = latencies ? new TimeSpan[count] : null;
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        var cpu = self.TotalProcessorTime;
        long allocated = GC.GetTotalAllocatedBytes();
        var clock = Stopwatch.StartNew();
        await work(each);
        clock.Stop();
        self.Refresh();
        if (each is not null) Array.Sort(each);
        return new(what, count, clock.Elapsed, self.TotalProcessorTime - cpu, GC.GetTotalAllocatedBytes() - allocated, each);
    }

    public static string Header => $"{"",-44}{"per second",12}{"CPU µs each",13}{"bytes each",12}{"p50 ms",9}{"p99 ms",9}{"max ms",9}";

    public override string ToString() =>
        $"{What,-44}{Count / Took.TotalSeconds,12:n0}{Cpu.TotalMicroseconds / Count,13:n1}{Allocated / Count,12:n0}{At(0.5),9}{At(0.99),9}{At(1),9}";

    string At(double part) => Latencies is null ? "" : Latencies[(int)((Latencies.Length - 1) * part)].TotalMilliseconds.ToString("n2", System.Globalization.CultureInfo.InvariantCulture);
}
