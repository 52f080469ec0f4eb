using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>A node whose kubelet has a configuration file: CPUs for one Pod alone, seen by the processes themselves.</summary>
[Collection(OwnClusters.Name)]
public sealed class PlacementTests
{
    [NodeFact]
    public async Task With_the_static_policy_a_Guaranteed_Pod_has_its_CPU_alone()
    {
        string[] all = (await File.ReadAllTextAsync("/sys/devices/system/cpu/online")).Trim().Split(',', '-');
        if (all is not ["0", _, ..]) return; // one CPU is the system's, another is given away
        await using var cluster = RealCluster.Plan();
        string file = Path.Combine(cluster.Scratch, "kubelet.yaml");
        await File.WriteAllTextAsync(file, """
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            cpuManagerPolicy: static
            cpuManagerReconcilePeriod: 1s
            reservedSystemCPUs: "0"
            """);
        await cluster.UpAsync("--kubelet-config", file);
        await cluster.ImportBusyboxAsync();
        await cluster.ApplyAsync(Pod("beside", "{}"));
        await cluster.KubectlAsync("wait", "--for=condition=Ready", "pod/beside", "--timeout=120s");
        string before = await CpusAsync(cluster, "beside");

        await cluster.ApplyAsync(Pod("alone", "{limits: {cpu: 1, memory: 32Mi}}"));
        await cluster.KubectlAsync("wait", "--for=condition=Ready", "pod/alone", "--timeout=120s");
        string own = await CpusAsync(cluster, "alone");
        Assert.Matches("^[1-9][0-9]*$", own);
        await Until.Async("the other Pod moved to the rest", () => CpusAsync(cluster, "beside"), seen => seen != before && !seen.Split(',', '-').Contains(own));

        string config = await cluster.KubectlAsync("get", "--raw", $"/api/v1/nodes/{(await cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")).Trim()}/proxy/configz");
        Assert.Contains("\"cpuManagerPolicy\":\"static\"", config);
        Assert.Contains("\"reservedSystemCPUs\":\"0\"", config);

        await cluster.KubectlAsync("delete", "pod", "alone", "--grace-period=1");
        await Until.Async("the CPU is everybody's again", () => CpusAsync(cluster, "beside"), seen => seen == before);
    }

    static async Task<string> CpusAsync(RealCluster cluster, string pod) =>
        (await cluster.KubectlAsync("exec", pod, "--", "sh", "-c", "grep Cpus_allowed_list /proc/self/status | cut -f2")).Trim();

    static string Pod(string name, string resources) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{name}}}
        spec:
          terminationGracePeriodSeconds: 1
          containers: [{name: main, image: 'busybox:1', imagePullPolicy: Never, command: [sleep, '100000'], resources: {{resources}}}]
        """;
}
