using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

[Collection(OwnClusters.Name)]
public sealed class SideBySideTests
{
    [NodeFact]
    public async Task Two_clusters_share_a_machine_and_one_is_removed_without_the_other_noticing()
    {
        await using var one = RealCluster.Plan();
        await using var two = RealCluster.Plan();
        foreach (var cluster in (RealCluster[])[one, two])
        {
            await cluster.UpAsync();
            await cluster.ImportBusyboxAsync();
            await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
            await cluster.KubectlAsync("apply", "-f", Path.Combine(Hanbae.Kit.Repository.Root, "examples/web.yaml"));
        }
        foreach (var cluster in (RealCluster[])[one, two])
        {
            await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
            await cluster.KubectlAsync("run", "client", "--image=busybox:1", "--", "sleep", "100000");
            await cluster.KubectlAsync("wait", "--for=condition=Ready", "pod/client", "--timeout=100s");
            await AnswersAsync(cluster);
        }
        Assert.NotEqual(await AddressAsync(one), await AddressAsync(two));
        // The first has kube-proxy's ports, which is as it should be.
        Assert.DoesNotContain("cannot be asked for", await File.ReadAllTextAsync(Path.Combine(two.DataDir, "hanbae.log")));

        // down and up is like a machine that was switched off and on: the same Pods, started once more.
        string pods = await PodsAsync(two);
        (await two.HanbaeAsync("down")).Ok();
        Assert.Equal(3, (await two.HanbaeAsync("status")).Code);
        await two.UpAsync();
        await two.KubectlAsync("wait", "node", "--all", "--for=condition=Ready", "--timeout=100s");
        await Until.Async("all containers started again", () => two.KubectlAsync("get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount} {.items[*].status.containerStatuses[*].ready}"),
            seen => seen == "1 1 1 1 true true true true");
        Assert.Equal(pods, await PodsAsync(two));
        await AnswersAsync(two);

        await one.DisposeAsync();
        await AnswersAsync(two);
        Assert.Contains("4 of 4 running", (await two.HanbaeAsync("status")).Ok());
    }

    static Task AnswersAsync(RealCluster cluster) => Until.Async("an answer of the Service",
        () => cluster.TryKubectlAsync(["exec", "client", "--", "timeout", "5", "wget", "-qO-", "http://web"]), a => a.Out.StartsWith("hello from web-"));

    static Task<string> AddressAsync(RealCluster cluster) => cluster.KubectlAsync("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}");

    static Task<string> PodsAsync(RealCluster cluster) => cluster.KubectlAsync("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}");
}
