using System.Globalization;

namespace Hanbae.Kubelet.Stats;

/// <summary>What the whole machine uses, from <c>/proc</c>.</summary>
static class NodeFigures
{
    /// <summary>All processors' busy time since the start.</summary>
    public static long CpuNanoseconds()
    {
        if (!File.Exists("/proc/stat")) return 0;
        string[] fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // user nice system idle iowait irq softirq steal, in hundredths of a second
        return fields.Skip(1).Take(8).Select((f, i) => i is 3 or 4 ? 0 : long.Parse(f, CultureInfo.InvariantCulture)).Sum() * 10_000_000;
    }

    public static DateTimeOffset BootTime()
    {
        if (!File.Exists("/proc/stat")) return DateTimeOffset.UnixEpoch;
        string? line = File.ReadLines("/proc/stat").FirstOrDefault(l => l.StartsWith("btime ", StringComparison.Ordinal));
        return line is null ? DateTimeOffset.UnixEpoch : DateTimeOffset.FromUnixTimeSeconds(long.Parse(line[6..], CultureInfo.InvariantCulture));
    }

    /// <summary>Of all processes since the start, and those that had to be read from a disk.</summary>
    public static (long All, long Major) PageFaults()
    {
        if (!File.Exists("/proc/vmstat")) return default;
        var (all, major) = (0L, 0L);
        foreach (string line in File.ReadLines("/proc/vmstat"))
            if (line.Split(' ') is [var name and ("pgfault" or "pgmajfault"), var value] && long.TryParse(value, CultureInfo.InvariantCulture, out long n)) (all, major) = name == "pgfault" ? (n, major) : (all, n);
        return (all, major);
    }

    /// <summary>Processes and threads there are, and how many there may be; 0 where Linux does not say.</summary>
    public static (int Now, int Max) Processes()
    {
        if (!File.Exists("/proc/loadavg")) return default;
        string[] load = File.ReadAllText("/proc/loadavg").Split(' ');
        int now = load.Length > 3 && load[3].Split('/') is [_, var total] && int.TryParse(total, CultureInfo.InvariantCulture, out int n) ? n : 0;
        int max = Math.Min(Number("/proc/sys/kernel/pid_max"), Number("/proc/sys/kernel/threads-max"));
        return (now, max);
    }

    static int Number(string file) => File.Exists(file) && int.TryParse(File.ReadAllText(file).AsSpan().Trim(), CultureInfo.InvariantCulture, out int value) ? value : int.MaxValue;
}
