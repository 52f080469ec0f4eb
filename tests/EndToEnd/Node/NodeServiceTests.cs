using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>What the node serves of itself, and what runs on it without being asked by the API.</summary>
public sealed class NodeServiceTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    public async Task Pods_of_the_manifests_folder_run_and_show_in_the_API()
    {
        string node = await Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"), folder = Path.Combine(Cluster.DataDir, "manifests"), file = Path.Combine(folder, Namespace + ".yaml");
        Directory.CreateDirectory(folder);
        try
        {
            await File.WriteAllTextAsync(file, $"apiVersion: v1\nkind: Pod\nmetadata: {{name: fixed, namespace: {Namespace}}}\nspec:\n  terminationGracePeriodSeconds: 1\n  containers: [{{name: app, image: 'busybox:1', command: [sh, -c, 'echo from-a-file; sleep 100000']}}]\n");
            string pod = "fixed-" + node;
            await Until.Async("the mirror Pod", async () => (await TryAsync("get", "pod", pod, "-o", "jsonpath={.status.phase}")).Out, phase => phase == "Running", () => KubectlAsync("get", "pods,events"));
            Assert.Equal("from-a-file\n", await LogAsync(pod, "from-a-file"));
            Assert.Equal("file", await ReadAsync("pod/" + pod, @".metadata.annotations.kubernetes\.io/config\.source"));
            Assert.Equal("Node", await ReadAsync("pod/" + pod, ".metadata.ownerReferences[0].kind"));
        }
        finally { File.Delete(file); }
        await Until.TrueAsync("the end of the mirror Pod", async () => !(await KubectlAsync("get", "pods", "-o", "name")).Contains("fixed-"));
    }

    [NodeFact]
    public async Task Figures_are_served_to_who_may_see_them_and_to_no_others()
    {
        await ApplyAsync(Script("busy", "while true; do :; done", "resources: {limits: {cpu: 100m, memory: 32Mi}}"));
        await ReadyAsync("busy");
        string node = await Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
        string Path(string of) => $"/api/v1/nodes/{node}/proxy{of}";
        await Until.Async("the container's figures", async () => (await Cluster.TryKubectlAsync(["get", "--raw", Path("/metrics/cadvisor")])) is { Code: 0 } ran ? ran.Out : "", text => text.Contains($"namespace=\"{Namespace}\",pod=\"busy\""));
        Assert.Contains($"\"namespace\":\"{Namespace}\"", await Cluster.KubectlAsync("get", "--raw", Path("/stats/summary")));
        Assert.Contains("node_cpu_usage_seconds_total", await Cluster.KubectlAsync("get", "--raw", Path("/metrics/resource")));

        // Straight to the kubelet, as Prometheus goes: with the token of an account.
        await KubectlAsync("create", "serviceaccount", "monitor");
        string port = await Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].status.daemonEndpoints.kubeletEndpoint.Port}"), token = (await KubectlAsync("create", "token", "monitor")).Trim();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        Assert.Equal(403, (int)(await client.GetAsync($"https://127.0.0.1:{port}/metrics")).StatusCode);
        await ApplyAsync($$"""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: {{Namespace}}-monitor}
            rules: [{apiGroups: [''], resources: [nodes/stats], verbs: [get]}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: {{Namespace}}-monitor}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{Namespace}}-monitor}
            subjects: [{kind: ServiceAccount, name: monitor, namespace: {{Namespace}}}]
            """);
        try
        {
            await Until.TrueAsync("the right to see statistics", async () => (int)(await client.GetAsync($"https://127.0.0.1:{port}/stats/summary")).StatusCode == 200);
            Assert.Equal(403, (int)(await client.GetAsync($"https://127.0.0.1:{port}/pods")).StatusCode);
        }
        finally { await Cluster.KubectlAsync("delete", "clusterrole,clusterrolebinding", Namespace + "-monitor"); }
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance] [Conformance]")]
    public async Task RuntimeClasses_name_a_handler_and_what_it_costs()
    {
        Assert.Contains("RuntimeClass", (await WithInputAsync(Script("none", "true", "", "runtimeClassName: no-such-class"), "apply", "-f", "-")).Fails());
        string heavy = Namespace + "-heavy", plain = Namespace + "-plain";
        await ApplyAsync($$"""
            apiVersion: node.k8s.io/v1
            kind: RuntimeClass
            metadata: {name: {{heavy}}}
            handler: runc
            overhead: {podFixed: {cpu: 10m, memory: 1Mi} }
            ---
            apiVersion: node.k8s.io/v1
            kind: RuntimeClass
            metadata: {name: {{plain}}}
            handler: runc
            """);
        try
        {
            Assert.Equal("ran\n", await ScriptAsync("heavy", "echo ran", "", "runtimeClassName: " + heavy));
            Assert.Equal("{\"cpu\":\"10m\",\"memory\":\"1Mi\"}", await ReadAsync("pod/heavy", ".spec.overhead"));
            Assert.Equal("ran\n", await ScriptAsync("plain", "echo ran", "", "runtimeClassName: " + plain));
            Assert.Equal("", await ReadAsync("pod/plain", ".spec.overhead"));
        }
        finally { await Cluster.KubectlAsync("delete", "runtimeclass", heavy, plain); }
        await Until.Async("the refusal of a class that is gone", () => WithInputAsync(Script("gone", "true", "", "runtimeClassName: " + plain), "apply", "--dry-run=server", "-f", "-"), ran => ran.Code != 0 && ran.Err.Contains("RuntimeClass"));
    }
}
