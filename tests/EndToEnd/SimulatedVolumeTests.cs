using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>Claims on nodes that only pretend to run Pods: bound like any other, with nothing on any disk.</summary>
[Collection(OwnClusters.Name)]
public sealed class SimulatedVolumeTests
{
    [PlainUserFact]
    public async Task Claims_are_bound_where_their_Pods_pretend_to_run_and_volumes_go_with_them()
    {
        await using var cluster = RealCluster.Plan(Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []);
        await cluster.UpAsync("--control-plane-only", "--simulated-nodes", "2");
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        await cluster.KubectlAsync("apply", "-f", Path.Combine(Hanbae.Kit.Repository.Root, "examples/volumes/statefulset.yaml"));
        await cluster.KubectlAsync("rollout", "status", "statefulset/ledger", "--timeout=100s");
        Assert.Equal("Bound Bound", await cluster.KubectlAsync("get", "pvc", "-o", "jsonpath={.items[*].status.phase}"));
        Assert.Contains("simulated-", await cluster.KubectlAsync("get", "pv", "-o", "jsonpath={.items[*].spec.nodeAffinity}"));
        Assert.Equal("true", await cluster.KubectlAsync("get", "storageclass", "local", "-o", "jsonpath={.metadata.annotations.storageclass\\.kubernetes\\.io/is-default-class}"));
        Assert.False(Directory.Exists(Path.Combine(cluster.DataDir, "volumes")));

        await cluster.KubectlAsync("delete", "statefulset", "ledger");
        await cluster.KubectlAsync("delete", "pvc", "--all");
        await Until.Async("no volumes", () => cluster.KubectlAsync("get", "pv", "-o", "name"), "".Equals);
    }
}
