using Hanbae.Kubelet.Stats;

namespace Hanbae.Kubelet.Tests.Stats;

public sealed class FiguresTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-figures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    void Put(string path, string text)
    {
        string file = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    [Fact]
    public void One_cgroup_of_v2_is_read_from_its_files()
    {
        Put("cgroup.controllers", "cpu memory pids");
        Put("p/c/cpu.stat", "usage_usec 2500000\nuser_usec 1500000\nsystem_usec 1000000\nnr_periods 10\nnr_throttled 3\nthrottled_usec 70000\n");
        Put("p/c/cpu.max", "20000 100000\n");
        Put("p/c/cpu.weight", "100\n");
        Put("p/c/memory.current", "1000000\n");
        Put("p/c/memory.max", "max\n");
        Put("p/c/memory.stat", "anon 600000\nfile 300000\ninactive_file 200000\nfile_mapped 1000\npgfault 7\npgmajfault 2\n");
        Put("p/c/memory.events", "low 0\nmax 4\noom 1\noom_kill 1\n");
        Put("p/c/pids.current", "5\n");
        Put("p/c/cgroup.procs", "41\n42\n");
        Put("p/c/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=567\n");
        var reader = new CgroupReader(_folder);
        var f = reader.Read("/p/c")!;
        Assert.Equal((2_500_000_000, 70_000_000, 3, 20_000, 100_000), (f.CpuUsage, f.ThrottledTime, f.ThrottledPeriods, f.CpuQuota, f.CpuPeriod));
        Assert.Equal((1_000_000, 800_000, 0, 600_000, 300_000), (f.MemoryUsage, f.WorkingSet, f.MemoryLimit, f.Rss, f.Cache));
        Assert.Equal((5, 2, 1, 4), (f.Threads, f.Processes, f.OomKills, f.FailCount));
        Assert.Equal((1234, 567), (f.Pressure["cpu"].Some.Total, f.Pressure["cpu"].Full.Total));
        Assert.Equal(41, reader.Process("/p/c"));
        Put("p/crun/cgroup.procs", "");
        Put("p/crun/container/cgroup.procs", "43\n");
        Assert.Equal(43, reader.Process("/p/crun"));
        Assert.Null(reader.Read("/p/none"));
    }

    [Fact]
    public void Pressure_is_read_with_its_averages()
    {
        var read = Pressure.Parse("some avg10=1.50 avg60=0.25 avg300=0.01 total=1234\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=567\n");
        Assert.Equal((new Stall(1.5, 0.25, 0.01, 1234), new Stall(0.5, 0, 0, 567)), (read.Some, read.Full));
        // The node's own processors have no line for all.
        Assert.Equal(default, Pressure.Parse("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n").Full);
    }

    [Fact]
    public void One_cgroup_of_v1_is_read_from_its_hierarchies()
    {
        Put("cpuacct/c/cpuacct.usage", "123456789\n");
        Put("cpuacct/c/cpuacct.stat", "user 5\nsystem 7\n");
        Put("cpu/c/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_time 99\n");
        Put("cpu/c/cpu.shares", "102\n");
        Put("cpu/c/cpu.cfs_quota_us", "-1\n");
        Put("memory/c/memory.usage_in_bytes", "1000\n");
        Put("memory/c/memory.limit_in_bytes", "9223372036854771712\n");
        Put("memory/c/memory.stat", "total_cache 500\ntotal_rss 400\ntotal_inactive_file 300\n");
        var f = new CgroupReader(_folder).Read("/c")!;
        Assert.Equal((123456789, 50_000_000, 70_000_000, 0, 102), (f.CpuUsage, f.CpuUser, f.CpuSystem, f.CpuQuota, f.CpuShares));
        Assert.Equal((1000, 700, 0), (f.MemoryUsage, f.WorkingSet, f.MemoryLimit));
    }

    [Fact]
    public void Interfaces_are_read_without_loopback()
    {
        const string text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
              eth0: 1296 16 1 2 0 0 0 0 840 12 3 4 0 0 0 0
            """;
        Assert.Equal([new("eth0", 1296, 16, 1, 2, 840, 12, 3, 4)], NetworkFigures.Parse(text));
    }

    [Fact]
    public void Labels_are_escaped_as_Prometheus_wants_them() => Assert.Equal("a=\"x\\\"y\\\\z\\n\"", PrometheusText.Labels(("a", "x\"y\\z\n")));

    [Fact]
    public void A_process_has_figures_as_a_cgroup_has()
    {
        var own = ProcessFigures.Of(Environment.ProcessId)!;
        Assert.True(own is { Rss: > 1 << 20, CpuUsage: > 0, Threads: > 1 });
        Assert.Null(ProcessFigures.Of(-1));
        Assert.Equal(0, ProcessFigures.Behind("unix:///none"));
    }

    [Fact]
    public void Who_listens_on_a_socket_is_known()
    {
        string path = Path.Combine(_folder, "socket");
        Directory.CreateDirectory(_folder);
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        socket.Listen();
        Assert.Equal(Environment.ProcessId, ProcessFigures.Behind("unix://" + path));
    }
}
