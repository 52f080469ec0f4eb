using System.Diagnostics;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Nodes.Shutdown;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Volumes;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary>The kubelet's own metrics (<c>/metrics</c>) and its probes' (<c>/metrics/probes</c>).</summary>
static class KubeletMetrics
{
    public static string Render(KubeletOptions options, IReadOnlyCollection<PodWorker> workers, NodeUse use, PodDevices? devices, Placements? placements,
        Rejections rejections, KubeletFigures figures, DateTimeOffset? lastSeen, VolumeFigures? volumeFigures, CountingTransport? requests, int mirrors)
    {
        var text = new PrometheusText();
        text.Family("kubernetes_build_info", "gauge", "[ALPHA] Always 1; the labels say which version this is.")
            .Sample("kubernetes_build_info", PrometheusText.Labels(("git_version", NodeStatuses.Version), ("major", "1"), ("minor", "36"), ("platform", "linux")), 1);
        text.Family("kubelet_node_name", "gauge", "[ALPHA] Always 1; the label says what the node is called.").Sample("kubelet_node_name", PrometheusText.Labels(("node", options.NodeName)), 1);
        text.Plain("kubelet_running_pods", "gauge", "[ALPHA] Pods whose sandbox runs.", workers.Count(w => w.Runtime?.Sandbox is { Ready: true }));
        text.Family("kubelet_running_containers", "gauge", "[ALPHA] Containers by state.");
        foreach (var state in workers.SelectMany(w => w.Runtime?.Containers ?? []).GroupBy(c => c.State))
        {
            string told = state.Key switch { RuntimeState.Created => "created", RuntimeState.Running => "running", RuntimeState.Exited => "exited", _ => "unknown" };
            text.Sample("kubelet_running_containers", PrometheusText.Labels(("container_state", told)), state.Count());
        }
        WorkingPods.Render(text, workers, mirrors);
        ResizeFigures.Render(text, workers);
        text.Family("kubelet_container_log_filesystem_used_bytes", "gauge", "[ALPHA] Bytes of a container's logs.");
        foreach (var pod in use.Pods)
            foreach (var c in pod.Containers)
                text.Sample("kubelet_container_log_filesystem_used_bytes", PrometheusText.Labels(
                    ("container", c.Name), ("namespace", pod.Pod.Metadata.Namespace), ("pod", pod.Pod.Metadata.Name), ("uid", pod.Pod.Metadata.Uid)), c.LogBytes);

        (string Name, string Help, Func<VolumeUse, long> Value)[] volumes =
        [
            ("kubelet_volume_stats_used_bytes", "[ALPHA] Bytes of a volume that are full.", v => v.Used), ("kubelet_volume_stats_capacity_bytes", "[ALPHA] Bytes that a volume holds.", v => v.Capacity),
            ("kubelet_volume_stats_available_bytes", "[ALPHA] Bytes of a volume that are free.", v => v.Available), ("kubelet_volume_stats_inodes", "[ALPHA] Inodes that a volume holds.", v => v.Inodes),
            ("kubelet_volume_stats_inodes_free", "[ALPHA] Inodes of a volume that are free.", v => v.InodesFree), ("kubelet_volume_stats_inodes_used", "[ALPHA] Inodes of a volume that are taken.", v => v.InodesUsed),
        ];
        var claims = (from pod in use.Pods from volume in pod.Pod.Spec.Volumes let name = VolumeSizes.ClaimOf(pod.Pod, volume)
                      where name is not null && pod.Volumes.ContainsKey(volume.Name)
                      select (Labels: PrometheusText.Labels(("namespace", pod.Pod.Metadata.Namespace), ("persistentvolumeclaim", name)), Use: pod.Volumes[volume.Name])).ToArray();
        if (claims.Any(c => c.Use.Abnormal is not null))
        {
            text.Family("kubelet_volume_stats_health_status_abnormal", "gauge", "[ALPHA] 1 when its driver says that a volume is ill.");
            foreach (var claim in claims) if (claim.Use.Abnormal is { } ill) text.Sample("kubelet_volume_stats_health_status_abnormal", claim.Labels, ill ? 1 : 0);
        }
        if (claims.Length > 0)
            foreach (var (name, help, value) in volumes)
            {
                text.Family(name, "gauge", help);
                foreach (var claim in claims) text.Sample(name, claim.Labels, value(claim.Use));
            }

        devices?.Plugins.Metrics.Render(text, devices.Claims.InUse());
        placements?.Metrics.Render(text, placements.Cpus);
        NodeShutdown.Render(text, options);
        rejections.Render(text);
        figures.Render(text);
        volumeFigures?.Render(text);
        if (requests is not null)
        {
            text.Family("rest_client_requests_total", "counter", "[BETA] Requests to the API by status code, method and host.");
            foreach (var (code, method, count) in requests.Counts)
                text.Sample("rest_client_requests_total", PrometheusText.Labels(("code", code), ("host", requests.Host), ("method", method)), count);
        }
        if (lastSeen is { } seen)
            text.Plain("kubelet_pleg_last_seen_seconds", "gauge", "[ALPHA] When the containers were last listed, in Unix time.", seen.ToUnixTimeMilliseconds() / 1e3);

        using var process = Process.GetCurrentProcess();
        text.Plain("process_cpu_seconds_total", "counter", "Processor time of this process.", process.TotalProcessorTime.TotalSeconds);
        text.Plain("process_resident_memory_bytes", "gauge", "Memory of this process that is in RAM.", process.WorkingSet64);
        text.Plain("process_virtual_memory_bytes", "gauge", "Address space of this process.", process.VirtualMemorySize64);
        Started(text);
        return text.ToString();
    }

    public static string Probes(Prober prober, IEnumerable<PodWorker> workers)
    {
        var text = new PrometheusText();
        text.Family("prober_probe_total", "counter", "[BETA] Probes of containers by kind and outcome.");
        var known = workers.Select(w => w.Uid).ToHashSet();
        var probes = prober.Probes.Where(p => known.Contains(p.Pod.Metadata.Uid)).ToArray();
        foreach (var probe in probes)
            foreach (var (result, count) in (ReadOnlySpan<(string, long)>)[("successful", probe.Counts.Succeeded), ("failed", probe.Counts.Failed), ("unknown", probe.Counts.Unknown)])
                if (count > 0)
                    text.Sample("prober_probe_total", PrometheusText.Labels(("container", probe.Container.Name), ("namespace", probe.Pod.Metadata.Namespace), ("pod", probe.Pod.Metadata.Name),
                        ("pod_uid", probe.Pod.Metadata.Uid), ("probe_type", probe.Kind.ToString()), ("result", result)), count);
        text.Family("prober_probe_duration_seconds", "histogram", "[ALPHA] How long containers took to answer their probes.");
        var told = new HashSet<string>(); // a Pod that was made anew may have the name of one that has not quite ended
        foreach (var probe in probes.Where(p => p.Counts.Succeeded + p.Counts.Unknown > 0))
        {
            string labels = PrometheusText.Labels(
                ("container", probe.Container.Name), ("namespace", probe.Pod.Metadata.Namespace), ("pod", probe.Pod.Metadata.Name), ("probe_type", probe.Kind.ToString()));
            if (told.Add(labels)) probe.Durations.Render(text, "prober_probe_duration_seconds", labels);
        }
        Started(text);
        return text.ToString();
    }

    static void Started(PrometheusText text)
    {
        using var process = Process.GetCurrentProcess();
        text.Plain("process_start_time_seconds", "gauge", "When this process started, in Unix time.", new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1e3);
    }
}
