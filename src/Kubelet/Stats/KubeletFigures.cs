using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary>Counts what the kubelet does and how long it takes, under upstream's names.</summary>
/// <remarks>Bound: a line per family and label value, of which there are few: kinds of operation, paths of the API, signals.</remarks>
sealed class KubeletFigures
{
    static readonly double[] s_calls = [.. Enumerable.Range(0, 14).Select(i => Math.Round(.005 * Math.Pow(2.5, i), 6))];
    static readonly double[] s_starts = [.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600];

    static readonly double[] s_storage = [.1, .25, .5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

    static readonly SortedDictionary<string, (string Help, double[]? Buckets)> s_families = new(StringComparer.Ordinal)
    {
        ["csi_operations_seconds"] = ("How long calls of storage drivers took, by driver, call and outcome.", s_storage),
        ["kubelet_cgroup_manager_duration_seconds"] = ("How long work on cgroups took, by kind.", Histogram.Common),
        ["kubelet_credential_provider_plugin_duration"] = ("How long credential providers took to answer, by provider.", Histogram.Common),
        ["kubelet_credential_provider_plugin_errors"] = ("Credential providers that failed, by provider.", null),
        ["kubelet_evictions"] = ("Pods evicted, by what ran short.", null),
        ["kubelet_http_requests_duration_seconds"] = ("How long answers of the kubelet's own API took.", Histogram.Common),
        ["kubelet_http_requests_total"] = ("Requests to the kubelet's own API.", null),
        ["kubelet_image_pull_duration_seconds"] = ("How long images took to come, by size.", s_starts),
        ["kubelet_image_garbage_collected_total"] = ("Total number of images garbage collected by the kubelet, whether through disk usage or image age.", null),
        ["kubelet_image_volume_mounted_errors_total"] = ("Images that could not be mounted as volumes.", null),
        ["kubelet_image_volume_mounted_succeed_total"] = ("Images mounted as volumes.", null),
        ["kubelet_image_volume_requested_total"] = ("Images that containers wanted as volumes.", null),
        ["kubelet_pleg_relist_duration_seconds"] = ("How long it took to list the containers.", Histogram.Common),
        ["kubelet_pleg_relist_interval_seconds"] = ("How long between two lists of the containers.", Histogram.Common),
        ["kubelet_pod_start_duration_seconds"] = ("From when a Pod was first seen until its first container was started.", s_starts),
        ["kubelet_pod_worker_duration_seconds"] = ("How long one round of work on a Pod took.", Histogram.Common),
        ["kubelet_pod_worker_start_duration_seconds"] = ("From when a Pod was first seen until work on it began.", Histogram.Common),
        ["kubelet_preemptions"] = ("Cumulative number of pod preemptions by preemption resource", null),
        ["kubelet_restarted_pods_total"] = ("Pods that went and came back with the uid that they had, as files do that are changed back.", null),
        ["kubelet_run_podsandbox_duration_seconds"] = ("How long sandboxes took to start, by handler.", Histogram.Common),
        ["kubelet_run_podsandbox_errors_total"] = ("Sandboxes that could not be started, by handler.", null),
        ["kubelet_runtime_operations_duration_seconds"] = ("How long calls of the runtime took, by kind.", s_calls),
        ["kubelet_runtime_operations_errors_total"] = ("Calls of the runtime that failed, by kind.", null),
        ["kubelet_runtime_operations_total"] = ("Calls of the runtime, by kind.", null),
        ["kubelet_started_containers_errors_total"] = ("Containers that could not be started.", null),
        ["kubelet_started_containers_total"] = ("Containers started.", null),
        ["kubelet_started_pods_errors_total"] = ("Pods that could not be started.", null),
        ["kubelet_started_pods_total"] = ("Pods started.", null),
        ["kubelet_started_user_namespaced_pods_errors_total"] = ("Cumulative number of errors when starting pods with user namespaces. This metric will only be collected on Linux.", null),
        ["kubelet_started_user_namespaced_pods_total"] = ("Cumulative number of pods with user namespaces started. This metric will only be collected on Linux.", null),
        ["kubelet_terminated_containers_total"] = ("Containers that have ended, by exit code.", null),
        ["storage_operation_duration_seconds"] = ("How long work on volumes took, by kind and outcome.", s_storage),
    };

    /// <summary>Counters without labels, which are told from the start: nothing is a figure of its own.</summary>
    static readonly string[] s_plain =
    [
        "kubelet_image_volume_mounted_errors_total", "kubelet_image_volume_mounted_succeed_total", "kubelet_image_volume_requested_total",
        "kubelet_started_pods_errors_total", "kubelet_started_pods_total",
        "kubelet_started_user_namespaced_pods_errors_total", "kubelet_started_user_namespaced_pods_total",
    ];

    readonly ConcurrentDictionary<(string Name, string Labels), long> _counts = new(s_plain.Select(name => KeyValuePair.Create((name, ""), 0L)));
    readonly ConcurrentDictionary<(string Name, string Labels), Histogram> _durations = new();
    int _inFlight;

    public void Count(string name, params ReadOnlySpan<(string, string)> labels) => _counts.AddOrUpdate((name, PrometheusText.Labels(labels)), 1, (_, n) => n + 1);

    public void Observe(string name, TimeSpan took, params ReadOnlySpan<(string, string)> labels) =>
        _durations.GetOrAdd((name, PrometheusText.Labels(labels)), _ => new(s_families[name].Buckets!)).Add(took.TotalSeconds);

    /// <summary>A call to the runtime has ended.</summary>
    public void RuntimeCalled(string method, TimeSpan took, GrpcException? error)
    {
        var operation = ("operation_type", CriOperations.NameOf(method));
        Count("kubelet_runtime_operations_total", operation);
        Observe("kubelet_runtime_operations_duration_seconds", took, operation);
        if (error is not null) Count("kubelet_runtime_operations_errors_total", operation);
    }

    /// <summary>A call to a storage driver has ended; those to its controller are not the kubelet's.</summary>
    /// <param name="method">As <c>/csi.v1.Node/NodePublishVolume</c>.</param>
    public void DriverCalled(string driver, string method, TimeSpan took, GrpcException? error)
    {
        if (method.StartsWith("/csi.v1.Node/", StringComparison.Ordinal))
            Observe("csi_operations_seconds", took, ("driver_name", driver), ("grpc_status_code", (error?.Status ?? GrpcStatus.OK).ToString()), ("method_name", method), ("migrated", "false"));
    }

    public void RequestBegan() => Interlocked.Increment(ref _inFlight);

    /// <param name="path">What was asked for without what it was asked about: <c>exec</c>, <c>metrics/cadvisor</c>.</param>
    /// <param name="server">Which of both: <c>readwrite</c>, <c>readonly</c>.</param>
    public void RequestEnded(string method, string path, string server, bool lasting, TimeSpan took)
    {
        Interlocked.Decrement(ref _inFlight);
        ReadOnlySpan<(string, string)> labels = [("long_running", lasting ? "true" : "false"), ("method", method), ("path", path), ("server_type", server)];
        Count("kubelet_http_requests_total", labels);
        Observe("kubelet_http_requests_duration_seconds", took, labels);
    }

    public void Render(PrometheusText text)
    {
        foreach (var (name, (help, buckets)) in s_families)
        {
            var counts = _counts.Where(c => c.Key.Name == name).OrderBy(c => c.Key.Labels, StringComparer.Ordinal).ToArray();
            var durations = _durations.Where(d => d.Key.Name == name).OrderBy(d => d.Key.Labels, StringComparer.Ordinal).ToArray();
            if (counts.Length + durations.Length == 0) continue;
            text.Family(name, buckets is null ? "counter" : "histogram", "[ALPHA] " + help);
            foreach (var (key, count) in counts) text.Sample(name, key.Labels, count);
            foreach (var (key, histogram) in durations) histogram.Render(text, name, key.Labels);
        }
        text.Plain("kubelet_http_inflight_requests", "gauge", "[ALPHA] Requests that are being answered.", Volatile.Read(ref _inFlight));
    }
}
