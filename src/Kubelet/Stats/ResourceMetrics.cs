using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Stats;

/// <summary><c>/metrics/resource</c>: what the metrics server scrapes.</summary>
static class ResourceMetrics
{
    public static string Render(NodeUse use)
    {
        var text = new PrometheusText();
        string Of(PodUse p) => PrometheusText.Labels(("namespace", p.Pod.Metadata.Namespace), ("pod", p.Pod.Metadata.Name));
        var containers = use.Pods.SelectMany(p => p.Containers.Select(c => (Labels: PrometheusText.Labels(("container", c.Name), ("namespace", p.Pod.Metadata.Namespace), ("pod", p.Pod.Metadata.Name)), Use: c))).ToArray();

        Family("container_cpu_usage_seconds_total", "counter", "[STABLE] Cumulative cpu time consumed by the container in core-seconds", containers.Select(c => (c.Labels, c.Use.Figures.CpuUsage / 1e9)));
        Family("container_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the container in bytes", containers.Select(c => (c.Labels, (double)c.Use.Figures.WorkingSet)));
        Family("container_start_time_seconds", "gauge", "[STABLE] Start time of the container since unix epoch in seconds",
            containers.Where(c => c.Use.Container.StartedAt is not null).Select(c => (c.Labels, c.Use.Container.StartedAt!.Value.ToUnixTimeMilliseconds() / 1e3)), stamped: false);
        Family("container_swap_usage_bytes", "gauge", "[ALPHA] Current amount of the container swap usage in bytes", containers.Select(c => (c.Labels, (double)c.Use.Figures.Swap)));
        Family("container_swap_limit_bytes", "gauge", "[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems",
            containers.Where(c => c.Use.Figures.SwapLimit > 0).Select(c => (c.Labels, (double)c.Use.Figures.SwapLimit)));
        Family("pod_cpu_usage_seconds_total", "counter", "[STABLE] Cumulative cpu time consumed by the pod in core-seconds", use.Pods.Select(p => (Of(p), (p.Figures?.CpuUsage ?? p.Containers.Sum(c => c.Figures.CpuUsage)) / 1e9)));
        Family("pod_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the pod in bytes", use.Pods.Select(p => (Of(p), (double)p.WorkingSet)));
        Family("pod_swap_usage_bytes", "gauge", "[ALPHA] Current amount of the pod swap usage in bytes", use.Pods.Select(p => (Of(p), (double)(p.Figures?.Swap ?? 0))));
        Family("node_cpu_usage_seconds_total", "counter", "[STABLE] Cumulative cpu time consumed by the node in core-seconds", [("", use.CpuNanoseconds / 1e9)]);
        Family("node_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the node in bytes", [("", MachineInfo.Memory("MemTotal") - MachineInfo.Memory("MemAvailable"))]);
        Family("node_swap_usage_bytes", "gauge", "[ALPHA] Current swap usage of the node in bytes", [("", MachineInfo.Memory("SwapTotal") - MachineInfo.Memory("SwapFree"))]);
        Family("resource_scrape_error", "gauge", "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise", [("", 0)], stamped: false);
        return text.ToString();

        void Family(string name, string type, string help, IEnumerable<(string Labels, double Value)> samples, bool stamped = true)
        {
            text.Family(name, type, help);
            foreach (var (labels, value) in samples) text.Sample(name, labels, value, stamped ? use.At : null);
        }
    }
}
