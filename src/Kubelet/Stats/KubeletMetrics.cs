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

namespace Hanbae.Kubelet.Stats;

/// <summary>The kubelet's own metrics (<c>/metrics</c>) and its probes' (<c>/metrics/probes</c>).</summary>
static class KubeletMetrics
{
    public static string Render(KubeletOptions options, IReadOnlyCollection<PodWorker> workers, NodeUse use, PodDevices? devices, Placements? placements, Rejections rejections, KubeletFigures figures, DateTimeOffset? lastSeen,
        VolumeFigures? volumeFigures, CountingTransport? requests, int mirrors)
    {
        var text = new PrometheusText();
        text.Family("kubernetes_build_info", "gauge", "[ALPHA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.")
            .Sample("kubernetes_build_info", PrometheusText.Labels(("git_version", NodeStatuses.Version), ("major", "1"), ("minor", "36"), ("platform", "linux")), 1);
        text.Family("kubelet_node_name", "gauge", "[ALPHA] The node's name. The count is always 1.").Sample("kubelet_node_name", PrometheusText.Labels(("node", options.NodeName)), 1);
        text.Family("kubelet_running_pods", "gauge", "[ALPHA] Number of pods that have a running pod sandbox").Sample("kubelet_running_pods", "", workers.Count(w => w.Runtime?.Sandbox is { Ready: true }));
        text.Family("kubelet_running_containers", "gauge", "[ALPHA] Number of containers currently running");
        foreach (var state in workers.SelectMany(w => w.Runtime?.Containers ?? []).GroupBy(c => c.State))
            text.Sample("kubelet_running_containers", PrometheusText.Labels(("container_state", state.Key switch { RuntimeState.Created => "created", RuntimeState.Running => "running", RuntimeState.Exited => "exited", _ => "unknown" })), state.Count());
        WorkingPods.Render(text, workers, mirrors);

        (string Name, string Help, Func<VolumeUse, long> Value)[] volumes =
        [
            ("kubelet_volume_stats_used_bytes", "[ALPHA] Number of used bytes in the volume", v => v.Used), ("kubelet_volume_stats_capacity_bytes", "[ALPHA] Capacity in bytes of the volume", v => v.Capacity),
            ("kubelet_volume_stats_available_bytes", "[ALPHA] Number of available bytes in the volume", v => v.Available), ("kubelet_volume_stats_inodes", "[ALPHA] Maximum number of inodes in the volume", v => v.Inodes),
            ("kubelet_volume_stats_inodes_free", "[ALPHA] Number of free inodes in the volume", v => v.InodesFree), ("kubelet_volume_stats_inodes_used", "[ALPHA] Number of used inodes in the volume", v => v.InodesUsed),
        ];
        var claims = (from pod in use.Pods from volume in pod.Pod.Spec.Volumes let name = VolumeSizes.ClaimOf(pod.Pod, volume)
                      where name is not null && pod.Volumes.ContainsKey(volume.Name)
                      select (Labels: PrometheusText.Labels(("namespace", pod.Pod.Metadata.Namespace), ("persistentvolumeclaim", name)), Use: pod.Volumes[volume.Name])).ToArray();
        if (claims.Any(c => c.Use.Abnormal is not null))
        {
            text.Family("kubelet_volume_stats_health_status_abnormal", "gauge", "[ALPHA] Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy, 0 indicates volume is healthy");
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
            text.Family("rest_client_requests_total", "counter", "[BETA] Number of HTTP requests, partitioned by status code, method, and host.");
            foreach (var (code, method, count) in requests.Counts)
                text.Sample("rest_client_requests_total", PrometheusText.Labels(("code", code), ("host", requests.Host), ("method", method)), count);
        }
        if (lastSeen is { } seen) text.Family("kubelet_pleg_last_seen_seconds", "gauge", "[ALPHA] Timestamp in seconds when PLEG was last seen active.").Sample("kubelet_pleg_last_seen_seconds", "", seen.ToUnixTimeMilliseconds() / 1e3);

        using var process = Process.GetCurrentProcess();
        text.Family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.").Sample("process_cpu_seconds_total", "", process.TotalProcessorTime.TotalSeconds);
        text.Family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.").Sample("process_resident_memory_bytes", "", process.WorkingSet64);
        text.Family("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.").Sample("process_virtual_memory_bytes", "", process.VirtualMemorySize64);
        text.Family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.").Sample("process_start_time_seconds", "", new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1e3);
        return text.ToString();
    }

    public static string Probes(Prober prober, IEnumerable<PodWorker> workers)
    {
        var text = new PrometheusText();
        text.Family("prober_probe_total", "counter", "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.");
        var pods = workers.ToDictionary(w => w.Uid, w => w.Pod);
        foreach (var (probe, counts) in prober.Counts)
        {
            if (!pods.TryGetValue(probe.PodUid, out Pod? pod)) continue;
            foreach (var (result, count) in (ReadOnlySpan<(string, long)>)[("successful", counts.Succeeded), ("failed", counts.Failed), ("unknown", counts.Unknown)])
                if (count > 0)
                    text.Sample("prober_probe_total", PrometheusText.Labels(("container", probe.Container), ("namespace", pod.Metadata.Namespace), ("pod", pod.Metadata.Name), ("pod_uid", probe.PodUid),
                        ("probe_type", probe.Kind.ToString()), ("result", result)), count);
        }
        return text.ToString();
    }
}
