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
        Put("p/c/pids.max", "100\n");
        Put("p/c/memory.low", "4096\n");
        Put("p/c/memory.swap.max", "8192\n");
        Put("p/c/io.stat", "8:0 rbytes=90 wbytes=29 rios=8 wios=1 dbytes=0 dios=0\n253:1\n");
        Put("p/c/cgroup.procs", "41\n42\n");
        Put("p/c/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=567\n");
        var reader = new CgroupReader(_folder);
        var f = reader.Read("/p/c")!;
        Assert.Equal((2_500_000_000, 70_000_000, 3, 20_000, 100_000), (f.CpuUsage, f.ThrottledTime, f.ThrottledPeriods, f.CpuQuota, f.CpuPeriod));
        Assert.Equal((1_000_000, 800_000, 0, 600_000, 300_000), (f.MemoryUsage, f.WorkingSet, f.MemoryLimit, f.Rss, f.Cache));
        Assert.Equal((5, 2, 1, 4), (f.Threads, f.Processes, f.OomKills, f.FailCount));
        Assert.Equal((100, 4096, 8192), (f.ThreadsMax, f.MemoryReservation, f.SwapLimit));
        Assert.Equal([new(8, 0, 90, 29, 8, 1)], f.Devices);
        Assert.Equal((1234, 567), (f.Pressure["cpu"].Some.Total, f.Pressure["cpu"].Full.Total));
        Assert.Equal(41, reader.Process("/p/c"));
        Put("p/crun/cgroup.procs", "");
        Put("p/crun/container/cgroup.procs", "43\n");
        Assert.Equal(43, reader.Process("/p/crun"));
        Assert.Null(reader.Read("/p/none"));
    }

    [Fact]
    public void Open_files_of_all_processes_are_counted()
    {
        Put("cgroup.controllers", "");
        Put("c/cgroup.procs", "");
        Put("c/inner/cgroup.procs", $"{Environment.ProcessId}\n");
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        var open = new CgroupReader(_folder).Open("/c");
        Assert.True(open is { Files: > 5, Sockets: > 0, SoftLimit: > 100 or -1 });
        Assert.Equal(default, new CgroupReader(_folder).Open("/none"));
    }

    [Fact]
    public void Whoever_scrapes_finds_what_containers_read_wrote_and_hold_open()
    {
        var figures = new CgroupFigures { ThreadsMax = 9, Devices = [new(8, 250, 7, 5, 2, 1)] };
        var pod = Make.Pod(Make.Container("app", "app"));
        var container = new Hanbae.Kubelet.Runtime.RuntimeContainer { Id = "c1", Name = "app", Image = "app", SandboxId = "s", State = Hanbae.Kubelet.Runtime.RuntimeState.Running };
        var use = new NodeUse(DateTimeOffset.UnixEpoch, TimeSpan.Zero, 0, null, [new(pod, "/p", null, null, [new(container, "/p/c1", figures, null, 0, 0, 0)], [], null)]);
        string text = CadvisorMetrics.Render(use, new(), "v", "r", path => path == "/p/c1" ? new(30, 4, 1024) : default);
        string labels = "container=\"app\",id=\"/p/c1\",image=\"app\",name=\"c1\",namespace=\"" + pod.Metadata.Namespace + "\",pod=\"" + pod.Metadata.Name + "\"";
        foreach (string line in (string[])
        [
            "container_blkio_device_usage_total{" + labels + ",device=\"\",major=\"8\",minor=\"250\",operation=\"Write\"} 5", "container_fs_reads_bytes_total{" + labels + ",device=\"\"} 7",
            "container_fs_writes_total{" + labels + ",device=\"\"} 1", "container_file_descriptors{" + labels + "} 30", "container_sockets{" + labels + "} 4",
            "container_ulimits_soft{" + labels + ",ulimit=\"max_open_files\"} 1024", "container_threads_max{" + labels + "} 9", "container_spec_memory_reservation_limit_bytes{" + labels + "} 0",
        ]) Assert.Contains(line, text);
    }

    [Fact]
    public void The_machines_disks_are_told_of_as_one_container_with_all()
    {
        var disk = new DiskFigures("/dev/sda1", 1000, 300, 100, 60).With(["   8       0 sda 9 9 9 9 9 9 9 9 9 9 9 0 0", "   8       1 sda1 10 1 20 2000 30 3 40 4000 5 6000 7000 0 0 0 0"], 8, 1);
        var use = new NodeUse(DateTimeOffset.UnixEpoch, TimeSpan.Zero, 0, null, []);
        string text = CadvisorMetrics.Render(use, new(), "v", "r", disks: [disk]);
        const string labels = "{container=\"\",id=\"/\",image=\"\",name=\"\",namespace=\"\",pod=\"\",device=\"/dev/sda1\"} ";
        foreach (string line in (string[])
        [
            "reads_total" + labels + "10", "reads_merged_total" + labels + "1", "reads_bytes_total" + labels + "10240", "sector_reads_total" + labels + "20", "read_seconds_total" + labels + "2",
            "writes_total" + labels + "30", "writes_merged_total" + labels + "3", "writes_bytes_total" + labels + "20480", "sector_writes_total" + labels + "40", "write_seconds_total" + labels + "4",
            "io_current" + labels + "5", "io_time_seconds_total" + labels + "6", "io_time_weighted_seconds_total" + labels + "7",
            "limit_bytes" + labels + "1000", "usage_bytes" + labels + "300", "inodes_total" + labels + "100", "inodes_free" + labels + "60",
        ]) Assert.Contains("container_fs_" + line, text);
        Assert.Single(text.Split('\n'), l => l == "# TYPE container_fs_inodes_free gauge");
        var here = Assert.Single(DiskFigures.Of("/", "/"));
        Assert.True(here.Bytes > 0 && here.Device.Length > 0);
    }

    [Fact]
    public void The_summary_tells_disks_of_images_and_of_containers_apart_and_of_the_rest_of_the_machine()
    {
        var options = new KubeletOptions { NodeName = "n", Folders = new(_folder, _folder) };
        var use = new NodeUse(DateTimeOffset.UnixEpoch, TimeSpan.Zero, 0, null, []) { Systems = [new("misc", new() { CpuUsage = 5 }, null)] };
        using var summary = System.Text.Json.JsonDocument.Parse(StatsSummary.Render(use, options, new(), (new("/", 7), new("/proc", 3))));
        var node = summary.RootElement.GetProperty("node");
        var runtime = node.GetProperty("runtime");
        Assert.Equal((7, 3), (runtime.GetProperty("imageFs").GetProperty("usedBytes").GetInt64(), runtime.GetProperty("containerFs").GetProperty("usedBytes").GetInt64()));
        Assert.True(runtime.GetProperty("imageFs").GetProperty("capacityBytes").GetInt64() > 0);
        Assert.Equal(0, runtime.GetProperty("containerFs").GetProperty("capacityBytes").GetInt64()); // it is another
        Assert.Equal("misc", node.GetProperty("systemContainers")[0].GetProperty("name").GetString());
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
        Put("blkio/c/blkio.bfq.io_service_bytes_recursive", "Total 0\n");
        Put("blkio/c/blkio.throttle.io_service_bytes_recursive", "8:16 Read 7\n8:16 Write 5\n8:16 Sync 12\n8:16 Total 12\nTotal 12\n");
        Put("blkio/c/blkio.throttle.io_serviced_recursive", "8:16 Read 2\n8:16 Write 1\n8:16 Total 3\nTotal 3\n");
        var f = new CgroupReader(_folder).Read("/c")!;
        Assert.Equal([new(8, 16, 7, 5, 2, 1)], f.Devices);
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
