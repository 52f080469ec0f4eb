using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

[Collection(OwnClusters.Name)]
public sealed class ControlPlaneTests
{
    [PlainUserFact]
    public async Task Without_root_there_is_a_control_plane_with_simulated_nodes()
    {
        await using var cluster = RealCluster.Plan(Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []);
        if (Environment.IsPrivilegedProcess) Assert.Contains("needs root", (await cluster.HanbaeAsync("up", "--port", $"{cluster.Port}")).Fails());
        await cluster.UpAsync("--control-plane-only", "--simulated-nodes", "3");
        await Until.Async("three nodes", () => cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"), ready => ready == "True True True");
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        await cluster.KubectlAsync("apply", "-f", Path.Combine(Hanbae.Kit.Repository.Root, "examples/web.yaml"));
        await cluster.KubectlAsync("scale", "deployment/web", "--replicas=30");
        await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        string[] nodes = (await cluster.KubectlAsync("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}")).Split(' ');
        Assert.Equal(30, nodes.Length);
        Assert.Equal(3, nodes.Distinct().Count());
        await cluster.KubectlAsync("delete", "deployment", "web");
        await Until.Async("no Pods", () => cluster.KubectlAsync("get", "pods", "-o", "name"), left => left.Length == 0);
        Assert.Contains("3 of 3 ready", (await cluster.HanbaeAsync("status")).Ok());
        (await cluster.HanbaeAsync("down")).Ok();
        Assert.Equal(3, (await cluster.HanbaeAsync("status")).Code);
    }
}
