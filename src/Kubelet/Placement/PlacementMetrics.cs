using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Kubelet.Placement.Cpus;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Placement;

/// <summary>Counts what is placed and what cannot be, under upstream's names.</summary>
sealed class PlacementMetrics
{
    readonly ConcurrentDictionary<(string Name, string Labels), long> _counts = new();
    readonly Histogram _durations = new([.. Enumerable.Range(0, 15).Select(i => 0.05 * (1 << i))]);

    public void CpuPinning() => Count("kubelet_cpu_manager_pinning_requests_total");
    public void CpuPinningFailed() => Count("kubelet_cpu_manager_pinning_errors_total");
    public void MemoryPinning() => Count("kubelet_memory_manager_pinning_requests_total");
    public void MemoryPinningFailed() => Count("kubelet_memory_manager_pinning_errors_total");
    public void Admission() => Count("kubelet_topology_manager_admission_requests_total");
    public void AdmissionFailed() => Count("kubelet_topology_manager_admission_errors_total");
    public void Aligned(string scope, string boundary) => Count("kubelet_container_aligned_compute_resources_count", ("boundary", boundary), ("scope", scope));
    public void NotAligned(string scope, string boundary) => Count("kubelet_container_aligned_compute_resources_failure_count", ("boundary", boundary), ("scope", scope));

    public void AdmissionTook(TimeSpan time) => _durations.Add(time.TotalMilliseconds);

    void Count(string name, params ReadOnlySpan<(string, string)> labels) => _counts.AddOrUpdate((name, PrometheusText.Labels(labels)), 1, (_, n) => n + 1);

    public void Render(PrometheusText text, ExclusiveCpus cpus)
    {
        foreach (string name in s_help.Keys)
        {
            var samples = _counts.Where(c => c.Key.Name == name).OrderBy(c => c.Key.Labels, StringComparer.Ordinal).ToArray();
            bool labelled = name.StartsWith("kubelet_container_aligned", StringComparison.Ordinal);
            if (labelled && samples.Length == 0) continue;
            text.Family(name, "counter", "[ALPHA] " + s_help[name]);
            if (!labelled && samples.Length == 0) text.Sample(name, "", 0);
            foreach (var (key, count) in samples) text.Sample(name, key.Labels, count);
        }
        const string duration = "kubelet_topology_manager_admission_duration_ms";
        text.Family(duration, "histogram", "[ALPHA] How long it took to find places for a Pod, in milliseconds.");
        _durations.Render(text, duration, "");
        if (cpus.Policy is not { } policy) return;
        var state = cpus.State;
        text.Plain("kubelet_cpu_manager_shared_pool_size_millicores", "gauge", "[ALPHA] Processors that Pods share, in thousandths.", policy.Available(state).Count * 1000);
        text.Plain("kubelet_cpu_manager_exclusive_cpu_allocation_count", "gauge", "[ALPHA] Processors that containers have to themselves.", state.Exclusive.Count);
        text.Family("kubelet_cpu_manager_allocation_per_numa", "gauge", "[ALPHA] Processors that containers have to themselves, by NUMA node.");
        foreach (int node in policy.Machine.CpuNodes)
            text.Sample("kubelet_cpu_manager_allocation_per_numa", PrometheusText.Labels(("numa_node", node.ToString(CultureInfo.InvariantCulture))), state.Exclusive.Count(id => policy.Machine[id].Node == node));
    }

    static readonly SortedDictionary<string, string> s_help = new(StringComparer.Ordinal)
    {
        ["kubelet_container_aligned_compute_resources_count"] = "Containers and Pods whose processors, memory and devices lie together, by scope and boundary.",
        ["kubelet_container_aligned_compute_resources_failure_count"] = "Containers and Pods for which that could not be had, by scope and boundary.",
        ["kubelet_cpu_manager_pinning_errors_total"] = "Containers that could not get processors to themselves.",
        ["kubelet_cpu_manager_pinning_requests_total"] = "Containers that asked for processors to themselves.",
        ["kubelet_memory_manager_pinning_errors_total"] = "Containers that could not get memory of certain NUMA nodes.",
        ["kubelet_memory_manager_pinning_requests_total"] = "Containers that asked for memory of certain NUMA nodes.",
        ["kubelet_topology_manager_admission_errors_total"] = "Pods that were refused for want of places that lie together.",
        ["kubelet_topology_manager_admission_requests_total"] = "Pods for which places that lie together were looked for.",
    };
}
