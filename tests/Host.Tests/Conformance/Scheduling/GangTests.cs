using System.Globalization;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Scheduling;

/// <summary>Gangs through a whole control plane that serves PodGroups: they are scheduled together by the scheduler in its own name, and their status says so.</summary>
public sealed class GangTests
{
    [Fact]
    public async Task A_gang_gets_nodes_whole_and_one_that_is_too_large_takes_none()
    {
        var rig = new ControlPlaneRig { Flags = new Dictionary<string, string> { ["runtime-config"] = "scheduling.k8s.io/v1alpha2=true" } };
        await rig.InitializeAsync();
        try
        {
            string ns = await rig.NamespaceAsync(), pods = $"/api/v1/namespaces/{ns}/pods", groups = $"/apis/scheduling.k8s.io/v1alpha2/namespaces/{ns}/podgroups";
            // More than half of a node: each of the two takes one.
            string cpu = (long.Parse((await rig.Admin.ListAsync("/api/v1/nodes"))[0].Text("status", "allocatable", "cpu"), CultureInfo.InvariantCulture) * 600).ToString(CultureInfo.InvariantCulture) + "m";
            string Pod(string name, string group) => $$"""{"metadata":{"name":"{{name}}"},"spec":{"schedulingGroup":{"podGroupName":"{{group}}"},"terminationGracePeriodSeconds":0,"containers":[{"name":"main","image":"x","resources":{"requests":{"cpu":"{{cpu}}"} } }]} }""";
            static string Group(string name, int count) => $$"""{"metadata":{"name":"{{name}}"},"spec":{"schedulingPolicy":{"gang":{"minCount":{{count}} } } } }""";
            await rig.Admin.CreateAsync(pods, Pod("three-a", "three"));
            await rig.Admin.CreateAsync(groups, Group("three", 3));
            foreach (string pod in new[] { "three-b", "three-c" }) await rig.Admin.CreateAsync(pods, Pod(pod, "three"));
            await rig.Admin.UntilAsync(groups, "three", g => g.Items("status", "conditions").Any(c => c.Text("type") == "PodGroupScheduled" && c.Text("status") == "False" && c.Text("reason") == "Unschedulable"));

            await rig.Admin.CreateAsync(groups, Group("two", 2));
            foreach (string pod in new[] { "two-a", "two-b" }) await rig.Admin.CreateAsync(pods, Pod(pod, "two"));
            await rig.Admin.UntilAsync(groups, "two", g => g.Items("status", "conditions").Any(c => c.Text("type") == "PodGroupScheduled" && c.Text("status") == "True" && c.Text("reason") == "Scheduled"));
            foreach (string pod in new[] { "two-a", "two-b" }) await rig.Admin.UntilAsync(pods, pod, p => p.Text("spec", "nodeName").Length > 0);
            Assert.All(await rig.Admin.ListAsync(pods), p => Assert.True(p.Text("spec", "nodeName").Length == 0 || p.Name().StartsWith("two-", StringComparison.Ordinal), p.Name()));
            await rig.Admin.UntilAsync(pods, "three-a", p => p.Items("status", "conditions").Any(c => c.Text("type") == "PodScheduled" && c.Text("message").Length > 0));
        }
        finally { await rig.DisposeAsync(); }
    }
}
