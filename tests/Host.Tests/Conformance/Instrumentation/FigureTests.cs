using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Instrumentation;

[Collection(ControlPlaneRig.Name)]
public sealed class FigureTests(ControlPlaneRig rig)
{
    /// <summary>The controllers are in the API server's process, and so are their queues.</summary>
    [Fact]
    public async Task Metrics_of_the_server_have_the_queues_of_controllers_and_no_family_twice()
    {
        string said = "";
        await Wire.EventuallyAsync(async () =>
        {
            said = (await rig.Admin.SendAsync("GET", "/metrics", accept: "text/plain")).Body;
            return said.Contains("workqueue_work_duration_seconds_count{name=\"", StringComparison.Ordinal);
        });
        foreach (string family in (string[])["workqueue_depth gauge", "workqueue_adds_total counter", "workqueue_queue_duration_seconds histogram", "apiserver_request_total counter"])
            Assert.Contains($"# TYPE {family}\n", said, StringComparison.Ordinal);
        string[] families = [.. said.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2])];
        Assert.Equal(families.Distinct(), families);
    }

    /// <summary>As volume_metrics.go reads them.</summary>
    [Fact]
    public async Task Metrics_of_the_server_have_what_controllers_count_of_volumes()
    {
        const string volumes = "/api/v1/persistentvolumes";
        string @class = "figures-" + Guid.NewGuid().ToString("n")[..8];
        await rig.Admin.CreateAsync(volumes, $$$"""
            {"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"{{{@class}}}"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/data"},"storageClassName":"{{{@class}}}"}}
            """);
        try
        {
            string said = "";
            await Wire.EventuallyAsync(async () =>
            {
                said = (await rig.Admin.SendAsync("GET", "/metrics", accept: "text/plain")).Body;
                return said.Contains($"pv_collector_unbound_pv_count{{storage_class=\"{@class}\"}} 1\n", StringComparison.Ordinal);
            });
            Assert.Contains("# TYPE pv_collector_total_pv_count gauge\n", said, StringComparison.Ordinal);
            Assert.Contains("\npv_collector_total_pv_count{plugin_name=\"kubernetes.io/host-path\",volume_mode=\"Filesystem\"} ", said, StringComparison.Ordinal);
            foreach (string why in (string[])["out-of-service", "timeout"]) Assert.Contains($"attachdetach_controller_forced_detaches{{reason=\"{why}\"}} ", said, StringComparison.Ordinal);
        }
        finally { await rig.Admin.SendAsync("DELETE", volumes + "/" + @class); }
    }
}
