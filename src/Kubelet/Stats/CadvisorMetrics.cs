using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Stats;

/// <summary><c>/metrics/cadvisor</c>: the figures that dashboards know, under the names and labels that cAdvisor gave them.</summary>
/// <remarks>A Pod's own cgroup has empty <c>container</c>, <c>image</c> and <c>name</c>; its network belongs to its sandbox, whose container is <c>POD</c>.</remarks>
static class CadvisorMetrics
{
    sealed record Row(string Labels, CgroupFigures Figures, ContainerUse? Container);

    public static string Render(NodeUse use, MachineInfo machine, string kubeletVersion, string runtimeVersion, Func<string, OpenFiles>? open = null)
    {
        var text = new PrometheusText();
        text.Family("cadvisor_version_info", "gauge", "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.")
            .Sample("cadvisor_version_info", PrometheusText.Labels(("cadvisorRevision", ""), ("cadvisorVersion", kubeletVersion), ("dockerVersion", runtimeVersion), ("kernelVersion", machine.Kernel), ("osVersion", machine.OsImage)), 1);
        var rows = use.Pods.SelectMany(Rows).ToArray();
        var containers = rows.Where(r => r.Container is not null).ToArray();

        Each("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.", rows, f => f.CpuUsage / 1e9, ",cpu=\"total\"");
        Each("container_cpu_user_seconds_total", "counter", "Cumulative user cpu time consumed in seconds.", rows, f => f.CpuUser / 1e9);
        Each("container_cpu_system_seconds_total", "counter", "Cumulative system cpu time consumed in seconds.", rows, f => f.CpuSystem / 1e9);
        var limited = rows.Where(r => r.Figures.CpuQuota > 0).ToArray();
        Each("container_cpu_cfs_periods_total", "counter", "Number of elapsed enforcement period intervals.", limited, f => f.Periods);
        Each("container_cpu_cfs_throttled_periods_total", "counter", "Number of throttled period intervals.", limited, f => f.ThrottledPeriods);
        Each("container_cpu_cfs_throttled_seconds_total", "counter", "Total time duration the container has been throttled.", limited, f => f.ThrottledTime / 1e9);
        Each("container_spec_cpu_period", "gauge", "CPU period of the container.", rows, f => f.CpuPeriod);
        Each("container_spec_cpu_quota", "gauge", "CPU quota of the container.", limited, f => f.CpuQuota);
        Each("container_spec_cpu_shares", "gauge", "CPU share of the container.", rows, f => f.CpuShares);

        Each("container_memory_usage_bytes", "gauge", "Current memory usage in bytes, including all memory regardless of when it was accessed", rows, f => f.MemoryUsage);
        Each("container_memory_working_set_bytes", "gauge", "Current working set in bytes.", rows, f => f.WorkingSet);
        Each("container_memory_rss", "gauge", "Size of RSS in bytes.", rows, f => f.Rss);
        Each("container_memory_cache", "gauge", "Number of bytes of page cache memory.", rows, f => f.Cache);
        Each("container_memory_mapped_file", "gauge", "Size of memory mapped files in bytes.", rows, f => f.Mapped);
        Each("container_memory_swap", "gauge", "Container swap usage in bytes.", rows, f => f.Swap);
        Each("container_memory_max_usage_bytes", "gauge", "Maximum memory usage recorded in bytes", rows, f => f.MemoryMax);
        Each("container_memory_failcnt", "counter", "Number of memory usage hits limits", rows, f => f.FailCount);
        Each("container_memory_total_active_file_bytes", "gauge", "Current total active file in bytes.", rows, f => f.ActiveFile);
        Each("container_memory_total_inactive_file_bytes", "gauge", "Current total inactive file in bytes.", rows, f => f.InactiveFile);
        text.Family("container_memory_failures_total", "counter", "Cumulative count of memory allocation failures.");
        foreach (var row in rows)
            text.Sample("container_memory_failures_total", row.Labels + ",failure_type=\"pgfault\",scope=\"hierarchy\"", row.Figures.PageFaults, use.At)
                .Sample("container_memory_failures_total", row.Labels + ",failure_type=\"pgmajfault\",scope=\"hierarchy\"", row.Figures.MajorPageFaults, use.At);
        Each("container_oom_events_total", "counter", "Count of out of memory events observed for the container", rows, f => f.OomKills);
        Each("container_spec_memory_limit_bytes", "gauge", "Memory limit for the container.", rows, f => f.MemoryLimit);
        Each("container_spec_memory_reservation_limit_bytes", "gauge", "Memory reservation limit for the container.", rows, f => f.MemoryReservation);
        Each("container_spec_memory_swap_limit_bytes", "gauge", "Memory swap limit for the container.", rows, f => f.SwapLimit);
        Each("container_processes", "gauge", "Number of processes running inside the container.", rows, f => f.Processes);
        Each("container_threads", "gauge", "Number of threads running inside the container", rows, f => f.Threads);
        Each("container_threads_max", "gauge", "Maximum number of threads allowed inside the container, infinity if value is zero", rows, f => f.ThreadsMax);
        if (open is not null) Files();
        Blocks();
        foreach (string kind in (ReadOnlySpan<string>)["cpu", "memory", "io"])
        {
            var known = rows.Where(r => r.Figures.Pressure.ContainsKey(kind)).ToArray();
            if (known.Length == 0) continue;
            Each($"container_pressure_{kind}_waiting_seconds_total", "counter", $"Total time duration tasks in the container have waited due to {kind} congestion.", known, f => f.Pressure[kind].Some.Total / 1e6);
            Each($"container_pressure_{kind}_stalled_seconds_total", "counter", $"Total time duration no tasks in the container could make progress due to {kind} congestion.", known, f => f.Pressure[kind].Full.Total / 1e6);
        }

        text.Family("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds.");
        foreach (var row in containers) text.Sample("container_start_time_seconds", row.Labels, row.Container!.Container.StartedAt?.ToUnixTimeSeconds() ?? 0, use.At);
        text.Family("container_last_seen", "gauge", "Last time a container was seen by the exporter");
        foreach (var row in rows) text.Sample("container_last_seen", row.Labels, use.At.ToUnixTimeSeconds(), use.At);
        text.Family("container_fs_usage_bytes", "gauge", "Number of bytes that are consumed by the container on this filesystem.");
        foreach (var row in containers) text.Sample("container_fs_usage_bytes", row.Labels + ",device=\"\"", row.Container!.WritableBytes + row.Container.LogBytes, use.At);
        text.Family("container_fs_inodes_total", "gauge", "Number of Inodes");
        foreach (var row in containers) text.Sample("container_fs_inodes_total", row.Labels + ",device=\"\"", row.Container!.WritableInodes, use.At);
        Network();

        text.Family("machine_cpu_cores", "gauge", "Number of logical CPU cores.").Sample("machine_cpu_cores", Machine(), machine.Cpus, use.At);
        text.Family("machine_memory_bytes", "gauge", "Amount of memory installed on the machine.").Sample("machine_memory_bytes", Machine(), machine.MemoryBytes, use.At);
        text.Family("machine_scrape_error", "gauge", "1 if there was an error while getting machine metrics, 0 otherwise.").Sample("machine_scrape_error", "", 0);
        text.Family("container_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise").Sample("container_scrape_error", "", 0);
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
            text.Family("container_file_descriptors", "gauge", "Number of open file descriptors for the container.");
            foreach (var (labels, said) in files) text.Sample("container_file_descriptors", labels, said.Files, use.At);
            text.Family("container_sockets", "gauge", "Number of open sockets for the container.");
            foreach (var (labels, said) in files) text.Sample("container_sockets", labels, said.Sockets, use.At);
            text.Family("container_ulimits_soft", "gauge", "Soft ulimit values for the container root process. Unlimited if -1, except priority and nice");
            foreach (var (labels, said) in files)
                if (said.SoftLimit is { } soft) text.Sample("container_ulimits_soft", labels + ",ulimit=\"max_open_files\"", soft, use.At);
        }

        void Blocks()
        {
            var moved = rows.SelectMany(r => r.Figures.Devices.Select(d => (r.Labels, Device: d, Name: BlockDevices.Name(d.Major, d.Minor)))).ToArray();
            if (moved.Length == 0) return;
            text.Family("container_blkio_device_usage_total", "counter", "Blkio Device bytes usage");
            foreach (var (labels, d, name) in moved)
                foreach (var (operation, bytes) in ((string, long)[])[("Read", d.ReadBytes), ("Write", d.WrittenBytes)])
                    text.Sample("container_blkio_device_usage_total", labels + $",device=\"{name}\",major=\"{d.Major}\",minor=\"{d.Minor}\",operation=\"{operation}\"", bytes, use.At);
            (string Name, string Help, Func<DeviceFigures, long> Value)[] counters =
            [
                ("reads_bytes", "Cumulative count of bytes read", d => d.ReadBytes), ("reads", "Cumulative count of reads completed", d => d.Reads),
                ("writes_bytes", "Cumulative count of bytes written", d => d.WrittenBytes), ("writes", "Cumulative count of writes completed", d => d.Writes),
            ];
            foreach (var (counter, help, value) in counters)
            {
                text.Family($"container_fs_{counter}_total", "counter", help);
                foreach (var (labels, d, name) in moved) text.Sample($"container_fs_{counter}_total", labels + $",device=\"{name}\"", value(d), use.At);
            }
        }

        void Network()
        {
            (string Name, string Help, Func<NetworkFigures, long> Value)[] counters =
            [
                ("receive_bytes", "Cumulative count of bytes received", n => n.ReceivedBytes), ("receive_packets", "Cumulative count of packets received", n => n.ReceivedPackets),
                ("receive_packets_dropped", "Cumulative count of packets dropped while receiving", n => n.ReceiveDropped), ("receive_errors", "Cumulative count of errors encountered while receiving", n => n.ReceiveErrors),
                ("transmit_bytes", "Cumulative count of bytes transmitted", n => n.SentBytes), ("transmit_packets", "Cumulative count of packets transmitted", n => n.SentPackets),
                ("transmit_packets_dropped", "Cumulative count of packets dropped while transmitting", n => n.SendDropped), ("transmit_errors", "Cumulative count of errors encountered while transmitting", n => n.SendErrors),
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
