using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Devices;

/// <summary>Counts what the kubelet does for devices, under upstream's names.</summary>
/// <remarks>Bound: a line per resource, driver and method.</remarks>
sealed class DeviceMetrics
{
    readonly ConcurrentDictionary<(string Name, string Labels), long> _counts = new();
    readonly ConcurrentDictionary<(string Name, string Labels), Histogram> _durations = new();

    public void Registered(string resource) => Count("kubelet_device_plugin_registration_total", ("resource_name", resource));

    public void Allocated(string resource, TimeSpan took) => Observe("kubelet_device_plugin_alloc_duration_seconds", took, ("resource_name", resource));

    public void Count(string name, params ReadOnlySpan<(string, string)> labels) => _counts.AddOrUpdate((name, PrometheusText.Labels(labels)), 1, (_, n) => n + 1);

    public void Observe(string name, TimeSpan took, params ReadOnlySpan<(string, string)> labels) =>
        _durations.GetOrAdd((name, PrometheusText.Labels(labels)), _ => new(Histogram.Common)).Add(took.TotalSeconds);

    /// <param name="claims">Claims that are made ready, by driver.</param>
    public void Render(PrometheusText text, IEnumerable<(string Driver, int Count)> claims)
    {
        foreach (var family in _counts.GroupBy(c => c.Key.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Family(family.Key, "counter", "[ALPHA] " + Help(family.Key));
            foreach (var (key, count) in family) text.Sample(key.Name, key.Labels, count);
        }
        foreach (var family in _durations.GroupBy(c => c.Key.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Family(family.Key, "histogram", "[ALPHA] " + Help(family.Key));
            foreach (var (key, histogram) in family) histogram.Render(text, key.Name, key.Labels);
        }
        var used = claims.ToArray();
        if (used.Length == 0) return;
        text.Family("dra_resource_claims_in_use", "gauge", "[ALPHA] Claims that are ready for Pods here, by driver; <any> is all of them.");
        foreach (var (driver, count) in used) text.Sample("dra_resource_claims_in_use", PrometheusText.Labels(("driver_name", driver)), count);
    }

    static string Help(string name) => name switch
    {
        "kubelet_device_plugin_registration_total" => "Device plugins that have registered, by resource.",
        "kubelet_device_plugin_alloc_duration_seconds" => "How long device plugins took to allocate, by resource.",
        "dra_operations_duration_seconds" => "How long the claims of a Pod took to be made ready or given back, and whether that failed.",
        "dra_grpc_operations_duration_seconds" => "How long calls of device drivers took.",
        _ => "Requests to the pod resources API.",
    };
}
