using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Hanbae.Bench.Load;

/// <summary>The server's own figures: what its processes used, and what it says that it allocated.</summary>
sealed partial class ServerFigures(int[] pids, Api api)
{
    public long CpuMicroseconds() => pids.Sum(p =>
    {
        string stat = File.ReadAllText($"/proc/{p}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) * 10_000; // USER_HZ is 100.
    });

    public double RssMegabytes() => pids.Sum(p => File.ReadLines($"/proc/{p}/status").Where(l => l.StartsWith("VmRSS", StringComparison.Ordinal))
        .Select(l => long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture)).FirstOrDefault()) / 1024.0;

    /// <summary>0 of servers that do not say.</summary>
    public async Task<double> AllocatedAsync()
    {
        var metrics = await api.GetAsync("/metrics", keep: true);
        var found = Allocated().Match(metrics.Text);
        return found.Success ? double.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"^(?:dotnet_gc_heap_total_allocated_bytes_total|go_memstats_alloc_bytes_total) (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Allocated();
}

/// <summary>Sends what an operation consists of, and prints its line.</summary>
sealed class Run(ServerFigures server)
{
    public static string Header => $"{"op",-12}{"count",9}{"wall s",9}{"op/s",10}{"p50 ms",9}{"p99 ms",9}{"srv cpu us/op",15}{"MB",9}{"rss MB",9}{"alloc B/op",12}  errors";

    public async Task EachAsync(string name, int count, int atOnce, Func<int, Task<Api.Answer>> one)
    {
        double[] latencies = new double[count];
        long bytes = 0;
        int bad = 0;
        string first = "";
        await MeasureAsync(name, count, async () =>
        {
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (i, _) =>
            {
                long began = Stopwatch.GetTimestamp();
                var answer = await one(i);
                latencies[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
                Interlocked.Add(ref bytes, answer.Bytes);
                if (answer.Code >= 300 && Interlocked.Increment(ref bad) == 1) first = $"{answer.Code} {answer.Text[..Math.Min(160, answer.Text.Length)]}";
            });
            Array.Sort(latencies);
            return (count, latencies[count / 2], latencies[(int)(count * .99)], bytes, bad == 0 ? "" : $"{bad} failed: {first}");
        });
    }

    /// <param name="work">How many there were in the end, their latencies, bytes and errors.</param>
    public async Task MeasureAsync(string name, int count, Func<Task<(int Count, double Median, double Slow, long Bytes, string Error)>> work)
    {
        double allocated = await server.AllocatedAsync();
        long cpu = server.CpuMicroseconds();
        var clock = Stopwatch.StartNew();
        var done = await work();
        double wall = clock.Elapsed.TotalSeconds, used = server.CpuMicroseconds() - cpu;
        allocated = await server.AllocatedAsync() - allocated;
        int n = Math.Max(1, done.Count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-12}{done.Count,9}{wall,9:F2}{done.Count / wall,10:F0}{done.Median,9:F2}{done.Slow,9:F2}{used / n,15:F1}{done.Bytes / 1e6,9:F1}{server.RssMegabytes(),9:F0}{allocated / n,12:F0}  {done.Error}"));
        if (done.Count < count && done.Error.Length == 0) Console.WriteLine($"{name}: {count - done.Count} are missing");
    }
}
