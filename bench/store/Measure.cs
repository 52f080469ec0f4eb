using System.Diagnostics;

namespace Hanbae.Bench.Store;

/// <summary>What a stretch of work took: by the clock, in processor time of this process and of the store's writer alone, and in garbage.</summary>
sealed record Measure(string What, int Count, TimeSpan Took, TimeSpan Cpu, TimeSpan Writer, long Allocated, TimeSpan[]? Latencies)
{
    public static async Task<Measure> OfAsync(string what, int count, Func<TimeSpan[]?, Task> work, bool latencies = true)
    {
        var each = latencies ? new TimeSpan[count] : null;
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        var (cpu, writer) = (self.TotalProcessorTime, WriterTime());
        long allocated = GC.GetTotalAllocatedBytes();
        var clock = Stopwatch.StartNew();
        await work(each);
        clock.Stop();
        self.Refresh();
        if (each is not null) Array.Sort(each);
        return new(what, count, clock.Elapsed, self.TotalProcessorTime - cpu, WriterTime() - writer, GC.GetTotalAllocatedBytes() - allocated, each);
    }

    public static string Header => $"{"",-44}{"per second",12}{"CPU µs each",13}{"its writer",12}{"bytes each",12}{"p50 ms",9}{"p99 ms",9}{"max ms",9}";

    public override string ToString() =>
        $"{What,-44}{Count / Took.TotalSeconds,12:n0}{Cpu.TotalMicroseconds / Count,13:n1}{Writer.TotalMicroseconds / Count,12:n1}{Allocated / Count,12:n0}{At(0.5),9}{At(0.99),9}{At(1),9}";

    static TimeSpan WriterTime()
    {
        long ticks = 0;
        foreach (string task in OperatingSystem.IsLinux() ? Directory.GetDirectories("/proc/self/task") : [])
        {
            string stat = File.ReadAllText(Path.Combine(task, "stat"));
            if (!stat.Contains("(store writer)", StringComparison.Ordinal)) continue;
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            ticks += long.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture) + long.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture);
        }
        return TimeSpan.FromMilliseconds(ticks * 10); // USER_HZ is 100.
    }

    string At(double part) => Latencies is null ? "" : Latencies[(int)((Latencies.Length - 1) * part)].TotalMilliseconds.ToString("n2", System.Globalization.CultureInfo.InvariantCulture);
}
