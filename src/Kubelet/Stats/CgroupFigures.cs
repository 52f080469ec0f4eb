using System.Globalization;

namespace Hanbae.Kubelet.Stats;

/// <summary>What one cgroup uses, as the kernel's files tell it; times in nanoseconds.</summary>
sealed record CgroupFigures
{
    public long CpuUsage { get; init; }
    public long CpuUser { get; init; }
    public long CpuSystem { get; init; }
    public long Periods { get; init; }
    public long ThrottledPeriods { get; init; }
    public long ThrottledTime { get; init; }
    public long CpuQuota { get; init; }
    public long CpuPeriod { get; init; }
    public long CpuShares { get; init; }

    public long MemoryUsage { get; init; }
    public long MemoryMax { get; init; }
    /// <summary>0 without a limit.</summary>
    public long MemoryLimit { get; init; }
    public long Cache { get; init; }
    public long Rss { get; init; }
    public long Mapped { get; init; }
    public long Swap { get; init; }
    public long InactiveFile { get; init; }
    public long ActiveFile { get; init; }
    public long PageFaults { get; init; }
    public long MajorPageFaults { get; init; }
    public long FailCount { get; init; }
    public long OomKills { get; init; }
    /// <summary>The memory that the cgroup is guaranteed while others want it, 0 without a word of it.</summary>
    public long MemoryReservation { get; init; }
    /// <summary>0 without a limit.</summary>
    public long SwapLimit { get; init; }
    /// <summary>0 without a limit.</summary>
    public long ThreadsMax { get; init; }
    /// <summary>What it read of and wrote to block devices.</summary>
    public IReadOnlyList<DeviceFigures> Devices { get; init; } = [];
    public long Processes { get; init; }
    public long Threads { get; init; }
    /// <summary>By <c>cpu</c>, <c>memory</c>, <c>io</c>: how long processes waited (KEP-4205).</summary>
    public IReadOnlyDictionary<string, Pressure> Pressure { get; init; } = new Dictionary<string, Pressure>();

    /// <summary>What cannot be taken away without harm: usage without the page cache that nobody used of late.</summary>
    public long WorkingSet => Math.Max(MemoryUsage - InactiveFile, 0);
    public long Available => MemoryLimit > 0 ? Math.Max(MemoryLimit - WorkingSet, 0) : 0;
}

/// <summary>What a cgroup did with one block device.</summary>
readonly record struct DeviceFigures(int Major, int Minor, long ReadBytes, long WrittenBytes, long Reads, long Writes);

/// <summary>What the processes of a cgroup hold open, and how much they may.</summary>
/// <param name="SoftLimit">Of open files, as the first process has it; null when none tells, -1 for no limit.</param>
readonly record struct OpenFiles(long Files, long Sockets, long? SoftLimit);

/// <summary>Reads cgroups of v1's hierarchies or v2's one: a few small files each, no walk over processes.</summary>
sealed class CgroupReader(string mount)
{
    const long Tick = 10_000_000, NoLimit = long.MaxValue / 2; // USER_HZ is 100 everywhere Linux shows it

    readonly bool _v2 = File.Exists(Path.Combine(mount, "cgroup.controllers"));

    /// <param name="path">Beneath the mount point, with a leading slash.</param>
    /// <returns>Null when there is no such cgroup.</returns>
    public CgroupFigures? Read(string path)
    {
        try { return _v2 ? V2(mount + path) : V1(path); }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException) { return null; }
        catch (IOException) { return null; } // ENODEV: it goes at this moment
    }

    public bool Exists(string path) => Directory.Exists(_v2 ? mount + path : mount + "/memory" + path);

    /// <summary>A process of the cgroup, to look into its namespaces; null when it is empty.</summary>
    public int? Process(string path) => InFolder(_v2 ? mount + path : mount + "/memory" + path);

    // crun, with systemd, puts processes into a cgroup beneath the container's.
    static int? InFolder(string folder)
    {
        try
        {
            foreach (string line in File.ReadLines(folder + "/cgroup.procs"))
                if (int.TryParse(line, CultureInfo.InvariantCulture, out int pid) && pid > 0) return pid;
            return Directory.EnumerateDirectories(folder).Select(InFolder).FirstOrDefault(p => p is not null);
        }
        catch (IOException) { return null; }
    }

    CgroupFigures? V1(string path)
    {
        string cpu = mount + "/cpu" + path, account = mount + "/cpuacct" + path, memory = mount + "/memory" + path;
        if (!Directory.Exists(memory)) return null;
        var stat = Table(memory + "/memory.stat");
        var times = Table(account + "/cpuacct.stat");
        var cfs = Table(cpu + "/cpu.stat");
        long limit = Number(memory + "/memory.limit_in_bytes");
        return new()
        {
            CpuUsage = Number(account + "/cpuacct.usage"), CpuUser = times.GetValueOrDefault("user") * Tick, CpuSystem = times.GetValueOrDefault("system") * Tick,
            Periods = cfs.GetValueOrDefault("nr_periods"), ThrottledPeriods = cfs.GetValueOrDefault("nr_throttled"), ThrottledTime = cfs.GetValueOrDefault("throttled_time"),
            CpuQuota = Math.Max(Number(cpu + "/cpu.cfs_quota_us"), 0), CpuPeriod = Number(cpu + "/cpu.cfs_period_us"), CpuShares = Number(cpu + "/cpu.shares"),
            MemoryUsage = Number(memory + "/memory.usage_in_bytes"), MemoryMax = Number(memory + "/memory.max_usage_in_bytes"), MemoryLimit = limit is > 0 and < NoLimit ? limit : 0,
            Cache = stat.GetValueOrDefault("total_cache"), Rss = stat.GetValueOrDefault("total_rss"), Mapped = stat.GetValueOrDefault("total_mapped_file"), Swap = stat.GetValueOrDefault("total_swap"),
            InactiveFile = stat.GetValueOrDefault("total_inactive_file"), ActiveFile = stat.GetValueOrDefault("total_active_file"),
            PageFaults = stat.GetValueOrDefault("total_pgfault"), MajorPageFaults = stat.GetValueOrDefault("total_pgmajfault"),
            FailCount = Number(memory + "/memory.failcnt"), OomKills = Table(memory + "/memory.oom_control").GetValueOrDefault("oom_kill"),
            MemoryReservation = Number(memory + "/memory.soft_limit_in_bytes") is > 0 and < NoLimit and var soft ? soft : 0,
            SwapLimit = Number(memory + "/memory.memsw.limit_in_bytes") is > 0 and < NoLimit and var both ? Math.Max(both - limit, 0) : 0,
            Devices = BlockV1(mount + "/blkio" + path), ThreadsMax = Number(mount + "/pids" + path + "/pids.max"),
            Processes = Lines(memory + "/cgroup.procs"), Threads = Number(mount + "/pids" + path + "/pids.current"),
        };
    }

    static CgroupFigures? V2(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        var stat = Table(folder + "/memory.stat");
        var cpu = Table(folder + "/cpu.stat");
        var (quota, period) = Max(folder + "/cpu.max");
        long weight = Number(folder + "/cpu.weight"), usage = Number(folder + "/memory.current");
        return new()
        {
            CpuUsage = cpu.GetValueOrDefault("usage_usec") * 1000, CpuUser = cpu.GetValueOrDefault("user_usec") * 1000, CpuSystem = cpu.GetValueOrDefault("system_usec") * 1000,
            Periods = cpu.GetValueOrDefault("nr_periods"), ThrottledPeriods = cpu.GetValueOrDefault("nr_throttled"), ThrottledTime = cpu.GetValueOrDefault("throttled_usec") * 1000,
            CpuQuota = quota, CpuPeriod = period, CpuShares = weight > 0 ? 2 + (weight - 1) * 262142 / 9999 : 0,
            MemoryUsage = usage, MemoryMax = Number(folder + "/memory.peak"), MemoryLimit = Number(folder + "/memory.max"),
            Cache = stat.GetValueOrDefault("file"), Rss = stat.GetValueOrDefault("anon"), Mapped = stat.GetValueOrDefault("file_mapped"), Swap = Number(folder + "/memory.swap.current"),
            InactiveFile = stat.GetValueOrDefault("inactive_file"), ActiveFile = stat.GetValueOrDefault("active_file"),
            PageFaults = stat.GetValueOrDefault("pgfault"), MajorPageFaults = stat.GetValueOrDefault("pgmajfault"),
            FailCount = Table(folder + "/memory.events").GetValueOrDefault("max"), OomKills = Table(folder + "/memory.events").GetValueOrDefault("oom_kill"),
            MemoryReservation = Number(folder + "/memory.low"), SwapLimit = Number(folder + "/memory.swap.max"), ThreadsMax = Number(folder + "/pids.max"),
            Devices = BlockV2(folder + "/io.stat"), Processes = Lines(folder + "/cgroup.procs"), Threads = Number(folder + "/pids.current"),
            Pressure = Stats.Pressure.Read(kind => $"{folder}/{kind}.pressure"),
        };
    }

    /// <summary>Walks over the processes: for whoever asks, not for every round.</summary>
    public OpenFiles Open(string path)
    {
        var (files, sockets, soft) = (0L, 0L, (long?)null);
        foreach (int pid in Processes(_v2 ? mount + path : mount + "/memory" + path))
        {
            try
            {
                soft ??= SoftLimit(pid);
                foreach (var file in new DirectoryInfo($"/proc/{pid}/fd").EnumerateFileSystemInfos())
                {
                    files++;
                    if (file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true) sockets++;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // it ended
        }
        return new(files, sockets, soft);
    }

    static IEnumerable<int> Processes(string folder)
    {
        string[] here, beneath;
        try { (here, beneath) = (File.ReadAllLines(folder + "/cgroup.procs"), Directory.GetDirectories(folder)); }
        catch (IOException) { yield break; }
        foreach (string line in here)
            if (int.TryParse(line, CultureInfo.InvariantCulture, out int pid) && pid > 0) yield return pid;
        foreach (int pid in beneath.SelectMany(Processes)) yield return pid;
    }

    static long? SoftLimit(int pid)
    {
        string? line = File.ReadLines($"/proc/{pid}/limits").FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        string? soft = line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return soft == "unlimited" ? -1 : long.TryParse(soft, CultureInfo.InvariantCulture, out long limit) ? limit : null;
    }

    // "8:0 rbytes=90430464 wbytes=299008 rios=8950 wios=1252 dbytes=0 dios=0"
    static List<DeviceFigures> BlockV2(string file)
    {
        var devices = new List<DeviceFigures>();
        if (!File.Exists(file)) return devices;
        foreach (string line in File.ReadLines(file))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || Device(words[0]) is not { } device) continue;
            var said = words.Skip(1).Select(w => w.Split('=')).Where(w => w.Length == 2).ToDictionary(w => w[0], w => long.TryParse(w[1], CultureInfo.InvariantCulture, out long n) ? n : 0);
            devices.Add(new(device.Major, device.Minor, said.GetValueOrDefault("rbytes"), said.GetValueOrDefault("wbytes"), said.GetValueOrDefault("rios"), said.GetValueOrDefault("wios")));
        }
        return devices;
    }

    // Lines "8:0 Read 4096", and "Total 4096" at the end; recursive where the scheduler counts, throttled where it does not.
    static List<DeviceFigures> BlockV1(string folder)
    {
        var devices = new SortedDictionary<(int, int), DeviceFigures>();
        Count(["blkio.bfq.io_service_bytes_recursive", "blkio.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"],
            (d, kind, n) => kind == "Read" ? d with { ReadBytes = n } : d with { WrittenBytes = n });
        Count(["blkio.bfq.io_serviced_recursive", "blkio.io_serviced_recursive", "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"],
            (d, kind, n) => kind == "Read" ? d with { Reads = n } : d with { Writes = n });
        return [.. devices.Values];

        void Count(string[] files, Func<DeviceFigures, string, long, DeviceFigures> with)
        {
            foreach (string file in files)
            {
                if (!File.Exists($"{folder}/{file}")) continue;
                bool any = false;
                foreach (string line in File.ReadLines($"{folder}/{file}"))
                {
                    if (line.Split(' ') is not [var name, ("Read" or "Write") and var kind, var number] || Device(name) is not { } device || !long.TryParse(number, CultureInfo.InvariantCulture, out long n)) continue;
                    any = true;
                    devices[device] = with(devices.GetValueOrDefault(device, new(device.Major, device.Minor, 0, 0, 0, 0)), kind, n);
                }
                if (any) return;
            }
        }
    }

    static (int Major, int Minor)? Device(string name) =>
        name.Split(':') is [var a, var b] && int.TryParse(a, CultureInfo.InvariantCulture, out int major) && int.TryParse(b, CultureInfo.InvariantCulture, out int minor) ? (major, minor) : null;

    /// <summary>0 for files that are not there and for <c>max</c>.</summary>
    static long Number(string file) => File.Exists(file) && long.TryParse(File.ReadAllText(file).AsSpan().Trim(), CultureInfo.InvariantCulture, out long value) ? value : 0;

    static long Lines(string file) => File.Exists(file) ? File.ReadLines(file).Count() : 0;

    static Dictionary<string, long> Table(string file)
    {
        var table = new Dictionary<string, long>(StringComparer.Ordinal);
        if (!File.Exists(file)) return table;
        foreach (var line in File.ReadAllText(file).AsSpan().EnumerateLines())
            if (line.IndexOf(' ') is > 0 and var blank && long.TryParse(line[(blank + 1)..], CultureInfo.InvariantCulture, out long value)) table[line[..blank].ToString()] = value;
        return table;
    }

    static (long Quota, long Period) Max(string file)
    {
        if (!File.Exists(file)) return default;
        string[] words = File.ReadAllText(file).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return (long.TryParse(words[0], CultureInfo.InvariantCulture, out long quota) ? quota : 0, words.Length > 1 ? long.Parse(words[1], CultureInfo.InvariantCulture) : 100_000);
    }
}
