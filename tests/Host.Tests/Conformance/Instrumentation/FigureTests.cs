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
}
