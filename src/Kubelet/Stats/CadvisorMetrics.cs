using Hanbae.Kubelet.Nodes;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary><c>/metrics/cadvisor</c>: the figures that dashboards know, under the names and labels that cAdvisor gave them.</summary>
/// <remarks>A Pod's own cgroup has empty <c>container</c>, <c>image</c> and <c>name</c>; its network belongs to its sandbox, whose container is <c>POD</c>.</remarks>
static class CadvisorMetrics
{
    sealed record Row(string Labels, CgroupFigures Figures, ContainerUse? Container);

    public static string Render(NodeUse use, MachineInfo machine, string kubeletVersion, string runtimeVersion, Func<string, OpenFiles>? open = null, IReadOnlyList<DiskFigures>? disks = null)
    {
        var text = new PrometheusText();
        text.Family("cadvisor_version_info", "gauge", "Always 1; the labels say what runs here.")
            .Sample("cadvisor_version_info", PrometheusText.Labels(
                ("cadvisorRevision", ""), ("cadvisorVersion", kubeletVersion), ("dockerVersion", runtimeVersion), ("kernelVersion", machine.Kernel), ("osVersion", machine.OsImage)), 1);
        var rows = use.Pods.SelectMany(Rows).ToArray();
        var containers = rows.Where(r => r.Container is not null).ToArray();

        Each("container_cpu_usage_seconds_total", "counter", "Processor time.", rows, f => f.CpuUsage / 1e9, ",cpu=\"total\"");
        Each("container_cpu_user_seconds_total", "counter", "Processor time outside the kernel.", rows, f => f.CpuUser / 1e9);
        Each("container_cpu_system_seconds_total", "counter", "Processor time in the kernel.", rows, f => f.CpuSystem / 1e9);
        var limited = rows.Where(r => r.Figures.CpuQuota > 0).ToArray();
        Each("container_cpu_cfs_periods_total", "counter", "Periods in which a processor limit was in force.", limited, f => f.Periods);
        Each("container_cpu_cfs_throttled_periods_total", "counter", "Periods in which it held the container up.", limited, f => f.ThrottledPeriods);
        Each("container_cpu_cfs_throttled_seconds_total", "counter", "For how long it held the container up.", limited, f => f.ThrottledTime / 1e9);
        Each("container_spec_cpu_period", "gauge", "The period of the processor limit, in microseconds.", rows, f => f.CpuPeriod);
        Each("container_spec_cpu_quota", "gauge", "The processor limit of a period, in microseconds.", limited, f => f.CpuQuota);
        Each("container_spec_cpu_shares", "gauge", "The container's weight for processor time.", rows, f => f.CpuShares);

        Each("container_memory_usage_bytes", "gauge", "Memory charged to the container.", rows, f => f.MemoryUsage);
        Each("container_memory_working_set_bytes", "gauge", "Memory in use.", rows, f => f.WorkingSet);
        Each("container_memory_rss", "gauge", "Memory that is of no file.", rows, f => f.Rss);
        Each("container_memory_cache", "gauge", "Memory that is of files.", rows, f => f.Cache);
        Each("container_memory_mapped_file", "gauge", "Memory that is of mapped files.", rows, f => f.Mapped);
        Each("container_memory_swap", "gauge", "Swap space that is full.", rows, f => f.Swap);
        Each("container_memory_max_usage_bytes", "gauge", "The most memory that was charged so far.", rows, f => f.MemoryMax);
        Each("container_memory_failcnt", "counter", "How often the memory limit was met.", rows, f => f.FailCount);
        Each("container_memory_total_active_file_bytes", "gauge", "Memory of files that was used lately.", rows, f => f.ActiveFile);
        Each("container_memory_total_inactive_file_bytes", "gauge", "Memory of files that was not used lately.", rows, f => f.InactiveFile);
        text.Family("container_memory_failures_total", "counter", "Page faults by kind.");
        foreach (var row in rows)
            text.Sample("container_memory_failures_total", row.Labels + ",failure_type=\"pgfault\",scope=\"hierarchy\"", row.Figures.PageFaults, use.At)
                .Sample("container_memory_failures_total", row.Labels + ",failure_type=\"pgmajfault\",scope=\"hierarchy\"", row.Figures.MajorPageFaults, use.At);
        Each("container_oom_events_total", "counter", "Processes killed for want of memory.", rows, f => f.OomKills);
        Each("container_spec_memory_limit_bytes", "gauge", "The memory limit; 0 is none.", rows, f => f.MemoryLimit);
        Each("container_spec_memory_reservation_limit_bytes", "gauge", "Memory that is held back for the container.", rows, f => f.MemoryReservation);
        Each("container_spec_memory_swap_limit_bytes", "gauge", "The limit of memory and swap together.", rows, f => f.SwapLimit);
        Each("container_processes", "gauge", "Processes.", rows, f => f.Processes);
        Each("container_threads", "gauge", "Threads.", rows, f => f.Threads);
        Each("container_threads_max", "gauge", "The limit of threads; 0 is none.", rows, f => f.ThreadsMax);
        if (open is not null) Files();
        Blocks();
        foreach (string kind in (ReadOnlySpan<string>)["cpu", "memory", "io"])
        {
            var known = rows.Where(r => r.Figures.Pressure.ContainsKey(kind)).ToArray();
            if (known.Length == 0) continue;
            Each($"container_pressure_{kind}_waiting_seconds_total", "counter", $"For how long some of the processes waited for {kind}.", known, f => f.Pressure[kind].Some.Total / 1e6);
            Each($"container_pressure_{kind}_stalled_seconds_total", "counter", $"For how long all of the processes waited for {kind}.", known, f => f.Pressure[kind].Full.Total / 1e6);
        }

        text.Family("container_start_time_seconds", "gauge", "When a container started, in Unix time.");
        foreach (var row in containers) text.Sample("container_start_time_seconds", row.Labels, row.Container!.Container.StartedAt?.ToUnixTimeSeconds() ?? 0, use.At);
        text.Family("container_last_seen", "gauge", "When the figures were read, in Unix time.");
        foreach (var row in rows) text.Sample("container_last_seen", row.Labels, use.At.ToUnixTimeSeconds(), use.At);
        Disks();
        Network();

        text.Family("machine_cpu_cores", "gauge", "Processors of the machine.").Sample("machine_cpu_cores", Machine(), machine.Cpus, use.At);
        text.Family("machine_memory_bytes", "gauge", "Memory of the machine.").Sample("machine_memory_bytes", Machine(), machine.MemoryBytes, use.At);
        text.Plain("machine_scrape_error", "gauge", "1 when the figures of the machine could not be read.", 0);
        text.Plain("container_scrape_error", "gauge", "1 when the figures of containers could not be read.", 0);
        return text.ToString();

        string Machine() => PrometheusText.Labels(("boot_id", machine.BootId), ("machine_id", machine.MachineId), ("system_uuid", machine.SystemUuid));

        void Each(string name, string type, string help, Row[] of, Func<CgroupFigures, double> value, string more = "")
        {
            if (of.Length == 0) return;
            text.Family(name, type, help);
            foreach (var row in of) text.Sample(name, row.Labels + more, value(row.Figures), use.At);
        }

        void Files()
        {
            var files = containers.Select(r => (r.Labels, Open: open(r.Container!.Path))).ToArray();
            if (files.Length == 0) return;
            text.Family("container_file_descriptors", "gauge", "Descriptors that a container's processes have open.");
            foreach (var (labels, said) in files) text.Sample("container_file_descriptors", labels, said.Files, use.At);
            text.Family("container_sockets", "gauge", "Sockets that a container's processes have open.");
            foreach (var (labels, said) in files) text.Sample("container_sockets", labels, said.Sockets, use.At);
            text.Family("container_ulimits_soft", "gauge", "Soft limits of a container's first process; -1 is none.");
            foreach (var (labels, said) in files)
                if (said.SoftLimit is { } soft) text.Sample("container_ulimits_soft", labels + ",ulimit=\"max_open_files\"", soft, use.At);
        }

        void Blocks()
        {
            var moved = rows.SelectMany(r => r.Figures.Devices.Select(d => (r.Labels, Device: d, Name: BlockDevices.Name(d.Major, d.Minor)))).ToArray();
            if (moved.Length == 0) return;
            text.Family("container_blkio_device_usage_total", "counter", "Bytes read and written by device.");
            foreach (var (labels, d, name) in moved)
                foreach (var (operation, bytes) in ((string, long)[])[("Read", d.ReadBytes), ("Write", d.WrittenBytes)])
                    text.Sample("container_blkio_device_usage_total", labels + $",device=\"{name}\",major=\"{d.Major}\",minor=\"{d.Minor}\",operation=\"{operation}\"", bytes, use.At);
        }

        // Of the machine as a whole by its disks, as cAdvisor has it; of containers what their cgroups tell.
        void Disks()
        {
            const string root = "container=\"\",id=\"/\",image=\"\",name=\"\",namespace=\"\",pod=\"\"";
            var moved = rows.SelectMany(r => r.Figures.Devices.Select(d => (Labels: r.Labels + $",device=\"{BlockDevices.Name(d.Major, d.Minor)}\"", Figures: d))).ToArray();
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
                if ((disks?.Count ?? 0) == 0 && (ofContainer is null || moved.Length == 0)) continue;
                string metric = "container_fs_" + name;
                text.Family(metric, name.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge", help);
                foreach (var disk in disks ?? []) text.Sample(metric, $"{root},device=\"{disk.Device}\"", of(disk), use.At);
                if (ofContainer is not null) foreach (var (labels, d) in moved) text.Sample(metric, labels, ofContainer(d), use.At);
            }
            text.Family("container_fs_usage_bytes", "gauge", "Bytes that a container and its log take on disk; of the machine, all that is full.");
            foreach (var disk in disks ?? []) text.Sample("container_fs_usage_bytes", $"{root},device=\"{disk.Device}\"", disk.Used, use.At);
            foreach (var row in containers) text.Sample("container_fs_usage_bytes", row.Labels + ",device=\"\"", row.Container!.WritableBytes + row.Container.LogBytes, use.At);
            text.Family("container_fs_inodes_total", "gauge", "Inodes that a container takes on disk; of the machine, all that its file systems have.");
            foreach (var disk in disks ?? []) text.Sample("container_fs_inodes_total", $"{root},device=\"{disk.Device}\"", disk.Inodes, use.At);
            foreach (var row in containers) text.Sample("container_fs_inodes_total", row.Labels + ",device=\"\"", row.Container!.WritableInodes, use.At);
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
                text.Family(metric, "counter", help);
                foreach (var pod in use.Pods)
                    foreach (var device in pod.Network)
                        text.Sample(metric, PrometheusText.Labels(("container", ""), ("id", pod.Sandbox is { } s ? $"{pod.Path}/{s.Id}" : pod.Path), ("image", ""), ("interface", device.Interface),
                            ("name", pod.Sandbox?.Id ?? ""), ("namespace", pod.Pod.Metadata.Namespace), ("pod", pod.Pod.Metadata.Name)), value(device), use.At);
            }
        }
    }

    static IEnumerable<Row> Rows(PodUse pod)
    {
        var (ns, name) = (pod.Pod.Metadata.Namespace, pod.Pod.Metadata.Name);
        if (pod.Figures is { } whole) yield return new(PrometheusText.Labels(("container", ""), ("id", pod.Path), ("image", ""), ("name", ""), ("namespace", ns), ("pod", name)), whole, null);
        foreach (var c in pod.Containers)
            yield return new(PrometheusText.Labels(("container", c.Name), ("id", c.Path), ("image", c.Container.Image), ("name", c.Container.Id), ("namespace", ns), ("pod", name)), c.Figures, c);
    }
}
