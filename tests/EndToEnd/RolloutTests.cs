using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed class RolloutTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task A_Deployment_is_scaled_restarted_and_rolled_back()
    {
        await ApplyExampleAsync("web.yaml");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        string first = await ReadAsync("deployment/web", ".spec.template.spec.containers[0].command[2]");

        await KubectlAsync("scale", "deployment/web", "--replicas=4");
        await UntilAsync("deployment/web", ".status.readyReplicas", "4");
        await KubectlAsync("scale", "deployment/web", "--replicas=2");
        await UntilAsync("deployment/web", ".status.replicas", "2");

        var before = (await KubectlAsync("get", "pods", "-o", "name")).Split('\n').ToHashSet();
        await KubectlAsync("rollout", "restart", "deployment/web");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        await Until.Async("new Pods only", () => KubectlAsync("get", "pods", "-o", "name"), pods => !pods.Split('\n', StringSplitOptions.RemoveEmptyEntries).Any(before.Contains));

        await KubectlAsync("patch", "deployment", "web", "--type=json", "-p", """[{"op":"replace","path":"/spec/template/spec/containers/0/command/2","value":"exit 1"}]""");
        await UntilAsync("deployment/web", ".status.unavailableReplicas", n => n is "1" or "2");
        string history = await KubectlAsync("rollout", "history", "deployment/web");
        Assert.Matches(@"REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>\n3\s+<none>", history);
        Assert.Contains("exit 1", await KubectlAsync("rollout", "history", "deployment/web", "--revision=3"));

        // The broken revision never takes the place of the one that works.
        Assert.Equal("2", await ReadAsync("deployment/web", ".status.availableReplicas"));
        await KubectlAsync("rollout", "undo", "deployment/web");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        Assert.Equal(first, await ReadAsync("deployment/web", ".spec.template.spec.containers[0].command[2]"));
        await KubectlAsync("rollout", "undo", "deployment/web", "--to-revision=1");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        Assert.Equal("", await ReadAsync("deployment/web", ".spec.template.metadata.annotations"));

        await KubectlAsync("rollout", "pause", "deployment/web");
        await KubectlAsync("set", "env", "deployment/web", "A=b");
        await Until.TrueAsync("the paused change looked at", async () =>
            await ReadAsync("deployment/web", ".status.observedGeneration") == await ReadAsync("deployment/web", ".metadata.generation"));
        Assert.Equal("", await KubectlAsync("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].env}"));
        await KubectlAsync("rollout", "resume", "deployment/web");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");

        await KubectlAsync("delete", "deployment", "web");
        await Until.Async("no Pods and sets", () => KubectlAsync("get", "pods,replicasets", "-o", "name"), left => left.Length == 0);
    }
}
