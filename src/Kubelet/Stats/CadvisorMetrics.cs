using Hanbae.Kubelet.Nodes;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary><c>/metrics/cadvisor</c>: the figures that dashboards know, under the names and labels that cAdvisor gave them.</summary>
/// <remarks>A Pod's own cgroup has empty <c>container</c>, <c>image</c> and <c>name</c>; its network belongs to its sandbox, whose container is <c>POD</c>.</remarks>
sealed class CadvisorMetrics
{
    sealed record Row(string Labels, CgroupFigures Figures, ContainerUse? Container);

    readonly NodeUse _use;
    readonly Row[] _rows, _containers;
    readonly PrometheusText _text = new();

    CadvisorMetrics(NodeUse use)
    {
        _use = use;
        _rows = [.. use.Pods.SelectMany(Rows)];
        _containers = [.. _rows.Where(r => r.Container is not null)];
    }

    public static string Render(NodeUse use, MachineInfo machine, string kubeletVersion, string runtimeVersion, Func<string, OpenFiles>? open = null, IReadOnlyList<DiskFigures>? disks = null)
    {
        var metrics = new CadvisorMetrics(use);
        metrics._text.Family("cadvisor_version_info", "gauge", "Always 1; the labels say what runs here.")
            .Sample("cadvisor_version_info", PrometheusText.Labels(
                ("cadvisorRevision", ""), ("cadvisorVersion", kubeletVersion), ("dockerVersion", runtimeVersion), ("kernelVersion", machine.Kernel), ("osVersion", machine.OsImage)), 1);
        metrics.Processors();
        metrics.Memory();
        metrics.Processes();
        if (open is not null) metrics.Files(open);
        metrics.Blocks();
        metrics.Pressure();
        metrics.Times();
        metrics.Disks(disks ?? []);
        metrics.Network();
        metrics.Machine(machine);
        return metrics._text.ToString();
    }

    void Each(string name, string type, string help, Row[] of, Func<CgroupFigures, double> value, string more = "")
    {
        if (of.Length == 0) return;
        _text.Family(name, type, help);
        foreach (var row in of) _text.Sample(name, row.Labels + more, value(row.Figures), _use.At);
    }

    void Processors()
    {
        Each("container_cpu_usage_seconds_total", "counter", "Processor time.", _rows, f => f.CpuUsage / 1e9, ",cpu=\"total\"");
        Each("container_cpu_user_seconds_total", "counter", "Processor time outside the kernel.", _rows, f => f.CpuUser / 1e9);
        Each("container_cpu_system_seconds_total", "counter", "Processor time in the kernel.", _rows, f => f.CpuSystem / 1e9);
        var limited = _rows.Where(r => r.Figures.CpuQuota > 0).ToArray();
        Each("container_cpu_cfs_periods_total", "counter", "Periods in which a processor limit was in force.", limited, f => f.Periods);
        Each("container_cpu_cfs_throttled_periods_total", "counter", "Periods in which it held the container up.", limited, f => f.ThrottledPeriods);
        Each("container_cpu_cfs_throttled_seconds_total", "counter", "For how long it held the container up.", limited, f => f.ThrottledTime / 1e9);
        Each("container_spec_cpu_period", "gauge", "The period of the processor limit, in microseconds.", _rows, f => f.CpuPeriod);
        Each("container_spec_cpu_quota", "gauge", "The processor limit of a period, in microseconds.", limited, f => f.CpuQuota);
        Each("container_spec_cpu_shares", "gauge", "The container's weight for processor time.", _rows, f => f.CpuShares);
    }

    void Memory()
    {
        Each("container_memory_usage_bytes", "gauge", "Memory charged to the container.", _rows, f => f.MemoryUsage);
        Each("container_memory_working_set_bytes", "gauge", "Memory in use.", _rows, f => f.WorkingSet);
        Each("container_memory_rss", "gauge", "Memory that is of no file.", _rows, f => f.Rss);
        Each("container_memory_cache", "gauge", "Memory that is of files.", _rows, f => f.Cache);
        Each("container_memory_mapped_file", "gauge", "Memory that is of mapped files.", _rows, f => f.Mapped);
        Each("container_memory_swap", "gauge", "Swap space that is full.", _rows, f => f.Swap);
        Each("container_memory_max_usage_bytes", "gauge", "The most memory that was charged so far.", _rows, f => f.MemoryMax);
        Each("container_memory_failcnt", "counter", "How often the memory limit was met.", _rows, f => f.FailCount);
        Each("container_memory_total_active_file_bytes", "gauge", "Memory of files that was used lately.", _rows, f => f.ActiveFile);
        Each("container_memory_total_inactive_file_bytes", "gauge", "Memory of files that was not used lately.", _rows, f => f.InactiveFile);
        _text.Family("container_memory_failures_total", "counter", "Page faults by kind.");
        foreach (var row in _rows)
            _text.Sample("container_memory_failures_total", row.Labels + ",failure_type=\"pgfault\",scope=\"hierarchy\"", row.Figures.PageFaults, _use.At)
                .Sample("container_memory_failures_total", row.Labels + ",failure_type=\"pgmajfault\",scope=\"hierarchy\"", row.Figures.MajorPageFaults, _use.At);
        Each("container_oom_events_total", "counter", "Processes killed for want of memory.", _rows, f => f.OomKills);
        Each("container_spec_memory_limit_bytes", "gauge", "The memory limit; 0 is none.", _rows, f => f.MemoryLimit);
        Each("container_spec_memory_reservation_limit_bytes", "gauge", "Memory that is held back for the container.", _rows, f => f.MemoryReservation);
        Each("container_spec_memory_swap_limit_bytes", "gauge", "The limit of memory and swap together.", _rows, f => f.SwapLimit);
    }

    void Processes()
    {
        Each("container_processes", "gauge", "Processes.", _rows, f => f.Processes);
        Each("container_threads", "gauge", "Threads.", _rows, f => f.Threads);
        Each("container_threads_max", "gauge", "The limit of threads; 0 is none.", _rows, f => f.ThreadsMax);
    }

    void Files(Func<string, OpenFiles> open)
    {
        var files = _containers.Select(r => (r.Labels, Open: open(r.Container!.Path))).ToArray();
        if (files.Length == 0) return;
        _text.Family("container_file_descriptors", "gauge", "Descriptors that a container's processes have open.");
        foreach (var (labels, said) in files) _text.Sample("container_file_descriptors", labels, said.Files, _use.At);
        _text.Family("container_sockets", "gauge", "Sockets that a container's processes have open.");
        foreach (var (labels, said) in files) _text.Sample("container_sockets", labels, said.Sockets, _use.At);
        _text.Family("container_ulimits_soft", "gauge", "Soft limits of a container's first process; -1 is none.");
        foreach (var (labels, said) in files)
            if (said.SoftLimit is { } soft) _text.Sample("container_ulimits_soft", labels + ",ulimit=\"max_open_files\"", soft, _use.At);
    }

    void Blocks()
    {
        var moved = _rows.SelectMany(r => r.Figures.Devices.Select(d => (r.Labels, Device: d, Name: BlockDevices.Name(d.Major, d.Minor)))).ToArray();
        if (moved.Length == 0) return;
        _text.Family("container_blkio_device_usage_total", "counter", "Bytes read and written by device.");
        foreach (var (labels, d, name) in moved)
            foreach (var (operation, bytes) in ((string, long)[])[("Read", d.ReadBytes), ("Write", d.WrittenBytes)])
                _text.Sample("container_blkio_device_usage_total", labels + $",device=\"{name}\",major=\"{d.Major}\",minor=\"{d.Minor}\",operation=\"{operation}\"", bytes, _use.At);
    }

    void Pressure()
    {
        foreach (string kind in (ReadOnlySpan<string>)["cpu", "memory", "io"])
        {
            var known = _rows.Where(r => r.Figures.Pressure.ContainsKey(kind)).ToArray();
            if (known.Length == 0) continue;
            Each($"container_pressure_{kind}_waiting_seconds_total", "counter", $"For how long some of the processes waited for {kind}.", known, f => f.Pressure[kind].Some.Total / 1e6);
            Each($"container_pressure_{kind}_stalled_seconds_total", "counter", $"For how long all of the processes waited for {kind}.", known, f => f.Pressure[kind].Full.Total / 1e6);
        }
    }

    void Times()
    {
        _text.Family("container_start_time_seconds", "gauge", "When a container started, in Unix time.");
        foreach (var row in _containers) _text.Sample("container_start_time_seconds", row.Labels, row.Container!.Container.StartedAt?.ToUnixTimeSeconds() ?? 0, _use.At);
        _text.Family("container_last_seen", "gauge", "When the figures were read, in Unix time.");
        foreach (var row in _rows) _text.Sample("container_last_seen", row.Labels, _use.At.ToUnixTimeSeconds(), _use.At);
    }

    /// <summary>Of the machine as a whole by its disks, as cAdvisor has it; of containers what their cgroups tell.</summary>
    void Disks(IReadOnlyList<DiskFigures> disks)
    {
        const string root = "container=\"\",id=\"/\",image=\"\",name=\"\",namespace=\"\",pod=\"\"";
        var moved = _rows.SelectMany(r => r.Figures.Devices.Select(d => (Labels: r.Labels + $",device=\"{BlockDevices.Name(d.Major, d.Minor)}\"", Figures: d))).ToArray();
        (string Name, string Help, Func<DiskFigures, double> Of, Func<DeviceFigures, double>? OfContainer)[] families =
        [
            ("reads_bytes_total", "Bytes read.", d => d.ReadBytes, d => d.ReadBytes), ("reads_total", "Reads.", d => d.Reads, d => d.Reads),
            ("writes_bytes_total", "Bytes written.", d => d.WrittenBytes, d => d.WrittenBytes), ("writes_total", "Writes.", d => d.Writes, d => d.Writes),
            ("reads_merged_total", "Reads that were merged with others.", d => d.ReadsMerged, null), ("writes_merged_total", "Writes that were merged with others.", d => d.WritesMerged, null),
            ("sector_reads_total", "Sectors read.", d => d.SectorsRead, null), ("sector_writes_total", "Sectors written.", d => d.SectorsWritten, null),
            ("read_seconds_total", "How long reads took.", d => d.ReadTime / 1e3, null), ("write_seconds_total", "How long writes took.", d => d.WriteTime / 1e3, null),
            ("io_current", "Reads and writes under way.", d => d.Current, null), ("io_time_seconds_total", "How long there were any.", d => d.Time / 1e3, null),
            ("io_time_weighted_seconds_total", "The same, times how many there were.", d => d.WeightedTime / 1e3, null),
            ("limit_bytes", "Bytes that a file system holds.", d => d.Bytes, null), ("inodes_free", "Inodes that a file system has left.", d => d.InodesFree, null),
        ];
        foreach (var (name, help, of, ofContainer) in families)
        {
            if (disks.Count == 0 && (ofContainer is null || moved.Length == 0)) continue;
            string metric = "container_fs_" + name;
            _text.Family(metric, name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge", help);
            foreach (var disk in disks) _text.Sample(metric, $"{root},device=\"{disk.Device}\"", of(disk), _use.At);
            if (ofContainer is not null) foreach (var (labels, d) in moved) _text.Sample(metric, labels, ofContainer(d), _use.At);
        }
        _text.Family("container_fs_usage_bytes", "gauge", "Bytes that a container and its log take on disk; of the machine, all that is full.");
        foreach (var disk in disks) _text.Sample("container_fs_usage_bytes", $"{root},device=\"{disk.Device}\"", disk.Used, _use.At);
        foreach (var row in _containers) _text.Sample("container_fs_usage_bytes", row.Labels + ",device=\"\"", row.Container!.WritableBytes + row.Container.LogBytes, _use.At);
        _text.Family("container_fs_inodes_total", "gauge", "Inodes that a container takes on disk; of the machine, all that its file systems have.");
        foreach (var disk in disks) _text.Sample("container_fs_inodes_total", $"{root},device=\"{disk.Device}\"", disk.Inodes, _use.At);
        foreach (var row in _containers) _text.Sample("container_fs_inodes_total", row.Labels + ",device=\"\"", row.Container!.WritableInodes, _use.At);
    }

    void Network()
    {
        (string Name, string Help, Func<NetworkFigures, long> Value)[] counters =
        [
            ("receive_bytes", "Bytes received.", n => n.ReceivedBytes), ("receive_packets", "Packets received.", n => n.ReceivedPackets),
            ("receive_packets_dropped", "Packets that came and were dropped.", n => n.ReceiveDropped), ("receive_errors", "Packets that came broken.", n => n.ReceiveErrors),
            ("transmit_bytes", "Bytes sent.", n => n.SentBytes), ("transmit_packets", "Packets sent.", n => n.SentPackets),
            ("transmit_packets_dropped", "Packets that were to be sent and were dropped.", n => n.SendDropped), ("transmit_errors", "Packets that could not be sent.", n => n.SendErrors),
        ];
        foreach (var (name, help, value) in counters)
        {
            string metric = $"container_network_{name}_total";
            _text.Family(metric, "counter", help);
            foreach (var pod in _use.Pods)
                foreach (var device in pod.Network)
                    _text.Sample(metric, PrometheusText.Labels(("container", ""), ("id", pod.Sandbox is { } s ? $"{pod.Path}/{s.Id}" : pod.Path), ("image", ""), ("interface", device.Interface),
                        ("name", pod.Sandbox?.Id ?? ""), ("namespace", pod.Pod.Metadata.Namespace), ("pod", pod.Pod.Metadata.Name)), value(device), _use.At);
        }
    }

    void Machine(MachineInfo machine)
    {
        string labels = PrometheusText.Labels(("boot_id", machine.BootId), ("machine_id", machine.MachineId), ("system_uuid", machine.SystemUuid));
        _text.Family("machine_cpu_cores", "gauge", "Processors of the machine.").Sample("machine_cpu_cores", labels, machine.Cpus, _use.At);
        _text.Family("machine_memory_bytes", "gauge", "Memory of the machine.").Sample("machine_memory_bytes", labels, machine.MemoryBytes, _use.At);
        _text.Plain("machine_scrape_error", "gauge", "1 when the figures of the machine could not be read.", 0);
        _text.Plain("container_scrape_error", "gauge", "1 when the figures of containers could not be read.", 0);
    }

    static IEnumerable<Row> Rows(PodUse pod)
    {
        var (ns, name) = (pod.Pod.Metadata.Namespace, pod.Pod.Metadata.Name);
        if (pod.Figures is { } whole) yield return new(PrometheusText.Labels(("container", ""), ("id", pod.Path), ("image", ""), ("name", ""), ("namespace", ns), ("pod", name)), whole, null);
        foreach (var c in pod.Containers)
            yield return new(PrometheusText.Labels(("container", c.Name), ("id", c.Path), ("image", c.Container.Image), ("name", c.Container.Id), ("namespace", ns), ("pod", name)), c.Figures, c);
    }
}
