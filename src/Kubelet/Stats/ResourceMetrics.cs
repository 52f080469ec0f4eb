using Hanbae.Kubelet.Nodes;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary><c>/metrics/resource</c>: what the metrics server scrapes.</summary>
static class ResourceMetrics
{
    public static string Render(NodeUse use)
    {
        var text = new PrometheusText();
        string Of(PodUse p) => PrometheusText.Labels(("namespace", p.Pod.Metadata.Namespace), ("pod", p.Pod.Metadata.Name));
        var containers = use.Pods.SelectMany(p => p.Containers.Select(c =>
            (Labels: PrometheusText.Labels(("container", c.Name), ("namespace", p.Pod.Metadata.Namespace), ("pod", p.Pod.Metadata.Name)), Use: c))).ToArray();

        Family("container_cpu_usage_seconds_total", "counter", "[STABLE] Processor time of a container.", containers.Select(c => (c.Labels, c.Use.Figures.CpuUsage / 1e9)));
        Family("container_memory_working_set_bytes", "gauge", "[STABLE] Memory that a container has in use.", containers.Select(c => (c.Labels, (double)c.Use.Figures.WorkingSet)));
        Family("container_start_time_seconds", "gauge", "[STABLE] When a container started, in Unix time.",
            containers.Where(c => c.Use.Container.StartedAt is not null).Select(c => (c.Labels, c.Use.Container.StartedAt!.Value.ToUnixTimeMilliseconds() / 1e3)), stamped: false);
        Family("container_swap_usage_bytes", "gauge", "[ALPHA] Swap space that a container fills.", containers.Select(c => (c.Labels, (double)c.Use.Figures.Swap)));
        Family("container_swap_limit_bytes", "gauge", "[ALPHA] Swap space that a container may fill.",
            containers.Where(c => c.Use.Figures.SwapLimit > 0).Select(c => (c.Labels, (double)c.Use.Figures.SwapLimit)));
        Family("pod_cpu_usage_seconds_total", "counter", "[STABLE] Processor time of a Pod.", use.Pods.Select(p => (Of(p), (p.Figures?.CpuUsage ?? p.Containers.Sum(c => c.Figures.CpuUsage)) / 1e9)));
        Family("pod_memory_working_set_bytes", "gauge", "[STABLE] Memory that a Pod has in use.", use.Pods.Select(p => (Of(p), (double)p.WorkingSet)));
        Family("pod_swap_usage_bytes", "gauge", "[ALPHA] Swap space that a Pod fills.", use.Pods.Select(p => (Of(p), (double)(p.Figures?.Swap ?? 0))));
        Family("node_cpu_usage_seconds_total", "counter", "[STABLE] Processor time of the node.", [("", use.CpuNanoseconds / 1e9)]);
        Family("node_memory_working_set_bytes", "gauge", "[STABLE] Memory that is in use on the node.", [("", MachineInfo.Memory("MemTotal") - MachineInfo.Memory("MemAvailable"))]);
        Family("node_swap_usage_bytes", "gauge", "[ALPHA] Swap space that is full on the node.", [("", MachineInfo.Memory("SwapTotal") - MachineInfo.Memory("SwapFree"))]);
        Family("resource_scrape_error", "gauge", "[STABLE] 1 when the figures of containers could not be read.", [("", 0)], stamped: false);
        return text.ToString();

        void Family(string name, string type, string help, IEnumerable<(string Labels, double Value)> samples, bool stamped = true)
        {
            text.Family(name, type, help);
            foreach (var (labels, value) in samples) text.Sample(name, labels, value, stamped ? use.At : null);
        }
    }
}
