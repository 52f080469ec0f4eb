using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed class ClusterTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task The_node_is_ready_and_open_for_Pods()
    {
        await Cluster.KubectlAsync("wait", "node", "--all", "--for=condition=Ready", "--timeout=60s");
        await Until.Async("a node without taints", () => Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[*].spec.taints}"), taints => taints.Length == 0);
        var node = (await Cluster.GetAsync("nodes")).GetProperty("items")[0];
        Assert.StartsWith("containerd://", node.GetProperty("status").GetProperty("nodeInfo").GetProperty("containerRuntimeVersion").GetString());

        var status = await Cluster.HanbaeAsync("status");
        Assert.Contains("1 of 1 ready", status.Ok());
        Assert.Equal(Cluster.Kubeconfig, (await Cluster.HanbaeAsync("kubeconfig")).Ok().Trim());
    }

    [NodeFact]
    public async Task Every_kubectl_applies_the_example_and_sees_its_Pods_run()
    {
        foreach (string kubectl in Kubectl.All)
        {
            async Task<string> K(params string[] arguments) => (await Cluster.TryKubectlAsync(["-n", Namespace, .. arguments], kubectl: kubectl)).Ok();
            string file = Path.Combine(Hanbae.Kit.Repository.Root, "examples/web.yaml");
            await K("apply", "-f", file);
            await K("rollout", "status", "deployment/web", "--timeout=100s");
            string[] pods = (await K("get", "pods", "-l", "app=web", "-o", "jsonpath={range .items[*]}{.status.phase} {.status.podIP}{'\\n'}{end}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(3, pods.Length);
            Assert.All(pods, p => Assert.Matches(@"^Running \d+\.\d+\.\d+\.\d+$", p));
            Assert.Matches(@"web\s+3/3\s+3\s+3", await K("get", "deployments"));
            Assert.Contains("unchanged", await K("apply", "-f", file));
            Assert.Matches(@"NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE", await K("get", "pods", "-o", "wide"));
            await K("delete", "-f", file, "--timeout=100s");
            // The example's Pods do not hear SIGTERM: their grace, 30 s, is cut short.
            await K("delete", "pods", "--all", "--grace-period=1", "--wait=false");
            await Until.Async("no Pods", () => K("get", "pods", "-o", "name"), left => left.Length == 0);
        }
    }

    [NodeFact]
    public async Task Explain_and_describe_tell_what_is_there()
    {
        Assert.Contains("FIELD: containers <[]Container>", await KubectlAsync("explain", "pod.spec.containers"));
        Assert.Contains("rollingUpdate", await KubectlAsync("explain", "deployment.spec.strategy"));
        Assert.Contains("deployments", await KubectlAsync("api-resources", "--api-group=apps"));

        await ApplyExampleAsync("web.yaml");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        string pod = (await KubectlAsync("get", "pods", "-o", "jsonpath={.items[0].metadata.name}"));
        string deployment = await KubectlAsync("describe", "deployment", "web");
        Assert.Matches(@"Replicas:\s+3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable", deployment);
        Assert.Contains("ScalingReplicaSet", deployment);
        string described = await KubectlAsync("describe", "pod", pod);
        foreach (string line in (string[])["Status:           Running", "Controlled By:  ReplicaSet/web-", "Readiness:", "Scheduled", "Started"]) Assert.Contains(line, described);
        await Until.Async("endpoints of the Service", () => KubectlAsync("describe", "service", "web"), text => text.Contains("Endpoints:") && text.Split(":8080").Length == 4);
        string node = await Cluster.KubectlAsync("describe", "nodes");
        Assert.Contains(pod, node);
        Assert.Contains("KubeletReady", node);
    }
}
