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

    static readonly double[] s_pulls = [1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600];
    static readonly double[] s_statuses = [.01, .05, .1, .5, 1, 5, 10, 20, 30, 45, 60];
    static readonly double[] s_resizes = [10, 50, 100, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000];
    static readonly double[] s_storage = [.1, .25, .5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

    static readonly SortedDictionary<string, (string Help, double[]? Buckets)> s_families = new(StringComparer.Ordinal)
    {
        ["csi_operations_seconds"] = ("How long calls of storage drivers took, by driver, call and outcome.", s_storage),
        ["kubelet_cgroup_manager_duration_seconds"] = ("How long work on cgroups took, by kind.", Histogram.Common),
        ["kubelet_credential_provider_plugin_duration"] = ("How long credential providers took to answer, by provider.", Histogram.Common),
        ["kubelet_container_requested_resizes_total"] = ("Resources of containers that were asked for anew, by resource, request or limit, and how.", null),
        ["kubelet_containers_per_pod_count"] = ("Containers of each Pod.", [1, 2, 4, 8, 16]),
        ["kubelet_credential_provider_plugin_errors_total"] = ("Credential providers that failed, by provider.", null),
        ["kubelet_eviction_stats_age_seconds"] = ("How old the figures were by which a Pod was evicted.", Histogram.Common),
        ["kubelet_evictions"] = ("Pods evicted, by what ran short.", null),
        ["kubelet_http_requests_duration_seconds"] = ("How long answers of the kubelet's own API took.", Histogram.Common),
        ["kubelet_http_requests_total"] = ("Requests to the kubelet's own API.", null),
        ["kubelet_image_pull_duration_seconds"] = ("How long images took to come, by size.", s_pulls),
        ["kubelet_image_garbage_collected_total"] = ("Total number of images garbage collected by the kubelet, whether through disk usage or image age.", null),
        ["kubelet_image_manager_ensure_image_requests_total"] = ("Images that containers wanted: by policy, whether they were there, and whether they had to be pulled.", null),
        ["kubelet_imagemanager_image_mustpull_checks_total"] = ("Whether a Pod may have an image that is there, by outcome.", null),
        ["kubelet_image_volume_mounted_errors_total"] = ("Images that could not be mounted as volumes.", null),
        ["kubelet_image_volume_mounted_succeed_total"] = ("Images mounted as volumes.", null),
        ["kubelet_image_volume_requested_total"] = ("Images that containers wanted as volumes.", null),
        ["kubelet_lifecycle_handler_http_fallbacks_total"] = ("Hooks by HTTPS that were answered in HTTP, and asked again so.", null),
        ["kubelet_orphaned_runtime_pods_total"] = ("Pods found in the runtime that nobody wanted any more.", null),
        ["kubelet_pleg_discard_events"] = ("Events of the runtime that were lost here.", null),
        ["kubelet_pleg_relist_duration_seconds"] = ("How long it took to list the containers.", Histogram.Common),
        ["kubelet_pleg_relist_interval_seconds"] = ("How long between two lists of the containers.", Histogram.Common),
        ["kubelet_pod_deferred_accepted_resizes_total"] = ("Resizes that waited and were granted, by what made room.", null),
        ["kubelet_pod_infeasible_resizes_total"] = ("Resizes that the node can never grant, by why.", null),
        ["kubelet_pod_resize_duration_milliseconds"] = ("How long it took to bring a resize into force.", s_resizes),
        ["kubelet_pod_start_duration_seconds"] = ("From when a Pod was first seen until its first container was started.", s_starts),
        ["kubelet_pod_start_sli_duration_seconds"] = ("From a Pod's creation until the API showed its containers running, without images and init containers.", s_starts),
        ["kubelet_pod_start_total_duration_seconds"] = ("From a Pod's creation until the API showed its containers running.", s_starts),
        ["kubelet_pod_status_sync_duration_seconds"] = ("From a change of a Pod's status until the API had it.", s_statuses),
        ["kubelet_pod_worker_duration_seconds"] = ("How long one round of work on a Pod took.", Histogram.Common),
        ["kubelet_pod_worker_start_duration_seconds"] = ("From when a Pod was first seen until work on it began.", Histogram.Common),
        ["kubelet_preemptions"] = ("Cumulative number of pod preemptions by preemption resource", null),
        ["kubelet_restarted_pods_total"] = ("Pods that went and came back with the uid that they had, as files do that are changed back.", null),
        ["kubelet_run_podsandbox_duration_seconds"] = ("How long sandboxes took to start, by handler.", Histogram.Common),
        ["kubelet_run_podsandbox_errors_total"] = ("Sandboxes that could not be started, by handler.", null),
        ["kubelet_runtime_operations_duration_seconds"] = ("How long calls of the runtime took, by kind.", s_calls),
        ["kubelet_runtime_operations_errors_total"] = ("Calls of the runtime that failed, by kind.", null),
        ["kubelet_runtime_operations_total"] = ("Calls of the runtime, by kind.", null),
        ["kubelet_sleep_action_terminated_early_total"] = ("Hooks that were to sleep longer than there was time.", null),
        ["kubelet_started_containers_errors_total"] = ("Containers that could not be started.", null),
        ["kubelet_started_containers_total"] = ("Containers started.", null),
        ["kubelet_started_pods_errors_total"] = ("Pods that could not be started.", null),
        ["kubelet_started_pods_total"] = ("Pods started.", null),
        ["kubelet_started_user_namespaced_pods_errors_total"] = ("Cumulative number of errors when starting pods with user namespaces. This metric will only be collected on Linux.", null),
        ["kubelet_started_user_namespaced_pods_total"] = ("Cumulative number of pods with user namespaces started. This metric will only be collected on Linux.", null),
        ["kubelet_terminated_containers_total"] = ("Containers that have ended, by exit code.", null),
        ["storage_operation_duration_seconds"] = ("How long work on volumes took, by kind and outcome.", s_storage),
        ["volume_operation_total_seconds"] = ("How long work on volumes took from end to end, by kind.", s_storage),
    };

    static readonly SortedDictionary<string, string> s_gauges = new(StringComparer.Ordinal)
    {
        ["kubelet_first_network_pod_start_sli_duration_seconds"] = "As kubelet_pod_start_sli_duration_seconds, of the first Pod with a network of its own.",
        ["kubelet_node_startup_duration_seconds"] = "From the machine's start until the node was ready.",
        ["kubelet_node_startup_post_registration_duration_seconds"] = "From when the Node was made until it was ready.",
        ["kubelet_node_startup_pre_kubelet_duration_seconds"] = "From the machine's start to the kubelet's.",
        ["kubelet_node_startup_pre_registration_duration_seconds"] = "From the kubelet's start until it began to make the Node.",
        ["kubelet_node_startup_registration_duration_seconds"] = "How long it took to make the Node.",
        ["kubelet_orphan_pod_cleaned_volumes"] = "Pods that were gone, and whose volumes were taken down in the last round.",
        ["kubelet_orphan_pod_cleaned_volumes_errors"] = "Pods that were gone, and whose volumes could not be taken down in the last round.",
    };

    /// <summary>Counters without labels, which are told from the start: nothing is a figure of its own.</summary>
    static readonly string[] s_plain =
    [
        "kubelet_image_volume_mounted_errors_total", "kubelet_image_volume_mounted_succeed_total", "kubelet_image_volume_requested_total",
        "kubelet_lifecycle_handler_http_fallbacks_total", "kubelet_orphaned_runtime_pods_total", "kubelet_pleg_discard_events", "kubelet_sleep_action_terminated_early_total",
        "kubelet_started_pods_errors_total", "kubelet_started_pods_total",
        "kubelet_started_user_namespaced_pods_errors_total", "kubelet_started_user_namespaced_pods_total",
    ];

    readonly ConcurrentDictionary<(string Name, string Labels), long> _counts = new(s_plain.Select(name => KeyValuePair.Create((name, ""), 0L)));
    readonly ConcurrentDictionary<(string Name, string Labels), Histogram> _durations = new();
    readonly ConcurrentDictionary<string, double> _gauges = new();
    readonly ConcurrentDictionary<string, int> _inFlight = new();

    /// <summary>Tells more when it is asked, after all others.</summary>
    public Action<PrometheusText> More { get; set; } = _ => { };

    public void Count(string name, params ReadOnlySpan<(string, string)> labels) => _counts.AddOrUpdate((name, PrometheusText.Labels(labels)), 1, (_, n) => n + 1);

    public void Observe(string name, TimeSpan took, params ReadOnlySpan<(string, string)> labels) => Observe(name, took.TotalSeconds, labels);

    public void Observe(string name, double value, params ReadOnlySpan<(string, string)> labels) =>
        _durations.GetOrAdd((name, PrometheusText.Labels(labels)), _ => new(s_families[name].Buckets!)).Add(value);

    public void Set(string gauge, double value) => _gauges[gauge] = value;

    /// <summary>A Pod with a network of its own has started; only the first is told, which waits for the network's own start.</summary>
    public void FirstWithNetwork(TimeSpan took) => _gauges.TryAdd("kubelet_first_network_pod_start_sli_duration_seconds", took.TotalSeconds);

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

    public void RequestBegan(string method, string path, string server, bool lasting) => _inFlight.AddOrUpdate(Request(method, path, server, lasting), 1, (_, n) => n + 1);

    static string Request(string method, string path, string server, bool lasting) =>
        PrometheusText.Labels(("long_running", lasting ? "true" : "false"), ("method", method), ("path", path), ("server_type", server));

    /// <param name="path">What was asked for without what it was asked about: <c>exec</c>, <c>metrics/cadvisor</c>.</param>
    /// <param name="server">Which of both: <c>readwrite</c>, <c>readonly</c>.</param>
    public void RequestEnded(string method, string path, string server, bool lasting, TimeSpan took)
    {
        _inFlight.AddOrUpdate(Request(method, path, server, lasting), 0, (_, n) => n - 1);
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
        foreach (var (name, help) in s_gauges)
            if (_gauges.TryGetValue(name, out double value)) text.Plain(name, "gauge", "[ALPHA] " + help, value);
        text.Family("kubelet_http_inflight_requests", "gauge", "[ALPHA] Requests that are being answered.");
        foreach (var (labels, count) in _inFlight.OrderBy(r => r.Key, StringComparer.Ordinal)) text.Sample("kubelet_http_inflight_requests", labels, count);
        More(text);
    }
}
