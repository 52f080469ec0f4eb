using System.Diagnostics;
using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

[Collection(OwnClusters.Name)]
public sealed class CrashTests
{
    const int Replicas = 50;

    [NodeFact]
    public async Task Killed_in_the_middle_of_a_rollout_and_started_again_it_goes_on_where_it_was()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync();
        await cluster.ImportBusyboxAsync();
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        (await cluster.TryKubectlAsync(["apply", "-f", "-"], Deployment("one"))).Ok();
        await Until.Async("half of the Pods ready", () => ReadyAsync(cluster), n => n >= Replicas / 2);

        // Everything that was acknowledged up to here has to be there afterwards.
        await cluster.KubectlAsync("create", "configmap", "written", "--from-literal=before=kill");
        int revision = int.Parse(await cluster.KubectlAsync("get", "configmap", "written", "-o", "jsonpath={.metadata.resourceVersion}"));
        var before = Running(await cluster.GetAsync("pods"));
        Kill(cluster);
        Assert.Equal(3, (await cluster.HanbaeAsync("status")).Code);

        await cluster.UpAsync();
        Assert.Equal("kill", await cluster.KubectlAsync("get", "configmap", "written", "-o", "jsonpath={.data.before}"));
        Assert.Equal(revision, int.Parse(await cluster.KubectlAsync("get", "configmap", "written", "-o", "jsonpath={.metadata.resourceVersion}")));
        await Until.Async("all Pods ready", () => ReadyAsync(cluster), n => n == Replicas);
        var after = Running(await cluster.GetAsync("pods"));
        Assert.Equal(Replicas, after.Count);
        Assert.All(before, pod => Assert.Equal(pod.Value, after.GetValueOrDefault(pod.Key)));

        // Once more, while old Pods make way for new ones.
        (await cluster.TryKubectlAsync(["apply", "-f", "-"], Deployment("two"))).Ok();
        await Until.Async("some Pods of the new revision", () => UpdatedAsync(cluster), n => n >= 5);
        Kill(cluster);
        await cluster.UpAsync();
        await cluster.KubectlAsync("rollout", "status", "deployment/many", "--timeout=110s");
        await Until.Async("only new Pods", () => cluster.KubectlAsync("get", "pods", "-o", "jsonpath={.items[*].metadata.labels.revision}"),
            labels => labels == string.Join(' ', Enumerable.Repeat("two", Replicas)));
    }

    static void Kill(RealCluster cluster)
    {
        int pid = cluster.Pid() ?? throw new Xunit.Sdk.XunitException("hanbae does not run");
        using var process = Process.GetProcessById(pid);
        process.Kill();
        process.WaitForExit();
    }

    static async Task<int> ReadyAsync(RealCluster cluster) =>
        int.Parse("0" + await cluster.KubectlAsync("get", "deployment", "many", "-o", "jsonpath={.status.readyReplicas}"));

    static async Task<int> UpdatedAsync(RealCluster cluster) =>
        int.Parse("0" + await cluster.KubectlAsync("get", "deployment", "many", "-o", "jsonpath={.status.updatedReplicas}"));

    /// <summary>Container and restarts of each Pod that is ready.</summary>
    static Dictionary<string, string> Running(JsonElement pods) =>
        pods.GetProperty("items").EnumerateArray()
            .Where(p => !p.GetProperty("metadata").TryGetProperty("deletionTimestamp", out _) && p.GetProperty("status").TryGetProperty("containerStatuses", out var c) && c[0].GetProperty("ready").GetBoolean())
            .ToDictionary(p => p.GetProperty("metadata").GetProperty("name").GetString()!, p => p.GetProperty("status").GetProperty("containerStatuses")[0])
            .ToDictionary(p => p.Key, p => $"{p.Value.GetProperty("containerID").GetString()} {p.Value.GetProperty("restartCount").GetInt32()}");

    static string Deployment(string revision) => $$$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: many}
        spec:
          replicas: {{{Replicas}}}
          selector: {matchLabels: {app: many}}
          template:
            metadata: {labels: {app: many, revision: {{{revision}}}}}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: main, image: 'busybox:1', command: [sleep, '100000']}]
        """;
}
