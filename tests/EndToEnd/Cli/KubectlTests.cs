using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Network;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Cli;

/// <summary>What people do with kubectl, and what it tells them of the cluster and of what runs there.</summary>
public sealed class KubectlTests(SharedCluster shared) : Servants(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl version should check is all data is printed [Conformance]")]
    public async Task A_cluster_tells_what_it_is()
    {
        Assert.Contains("v1", (await KubectlAsync("api-versions")).Split('\n'));
        string info = await KubectlAsync("cluster-info");
        Assert.Contains("Kubernetes control plane", info);
        Assert.Contains("is running at", info);
        string version = await KubectlAsync("version");
        Assert.Matches(@"(?m)^Client Version: v?\S+", version);
        Assert.Matches(@"(?m)^Server Version: v1\.36\.", version);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods [Conformance]")]
    public async Task Descriptions_hold_what_people_look_for()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: ReplicationController
            metadata: {name: primary, labels: {app: agnhost, role: primary}}
            spec:
              replicas: 1
              selector: {app: agnhost, role: primary}
              template:
                metadata: {labels: {app: agnhost, role: primary}}
                spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: 'busybox:1', command: [sleep, '100000'], ports: [{name: server, containerPort: 6379}]}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: primary, labels: {app: agnhost, role: primary}}
            spec: {selector: {app: agnhost, role: primary}, ports: [{port: 6379, targetPort: server}]}
            """);
        await Of("v1", "replicationcontrollers").UntilAsync("primary", c => c.Number("status.readyReplicas") == 1);
        await Until.Async("the endpoint", () => Of("v1", "endpoints").FindAsync("primary"), e => e.Items("subsets").Any());
        string pod = Assert.Single(await Pods.ListAsync("role=primary")).Text("metadata.name");
        await DescribesAsync("pod", pod, ["Name:", pod], ["Namespace:", Namespace], ["Node:"], ["Labels:", "app=agnhost"], ["role=primary"], ["Annotations:"], ["Status:", "Running"], ["IP:"],
            ["Controlled By:", "ReplicationController/primary"], ["Image:", "busybox:1"], ["State:", "Running"], ["QoS Class:", "BestEffort"]);
        await DescribesAsync("rc", "primary", ["Name:", "primary"], ["Namespace:", Namespace], ["Selector:", "app=agnhost,role=primary"], ["Labels:", "app=agnhost"], ["role=primary"], ["Annotations:"],
            ["Replicas:", "1 current", "1 desired"], ["Pods Status:", "1 Running", "0 Waiting", "0 Succeeded", "0 Failed"], ["Pod Template:"], ["Image:", "busybox:1"], ["Events:"]);
        await DescribesAsync("service", "primary", ["Name:", "primary"], ["Namespace:", Namespace], ["Labels:", "app=agnhost"], ["role=primary"], ["Annotations:"], ["Selector:", "app=agnhost", "role=primary"],
            ["Type:", "ClusterIP"], ["IP:"], ["Port:", "<unset>", "6379/TCP"], ["Endpoints:", ":6379"], ["Session Affinity:", "None"]);
        await DescribesAsync("node", (await Pods.GetAsync(pod)).Text("spec.nodeName"), ["Name:"], ["Labels:"], ["Annotations:"], ["CreationTimestamp:"], ["Conditions:"],
            ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"], ["Addresses:"], ["Capacity:"], ["Version", "Kubelet Version"], ["Pods"]);
        await DescribesAsync("namespace", Namespace, ["Name:", Namespace], ["Labels:"], ["Annotations:"], ["Status:", "Active"], ["No resource quota"], ["No LimitRange resource"]);
    }

    /// <summary>Checks that lines which have the first words have the others, too.</summary>
    async Task DescribesAsync(string kind, string name, params string[][] wanted)
    {
        string text = await KubectlAsync("describe", kind, name);
        string[] lines = text.Split('\n');
        foreach (string[] words in wanted) Assert.True(lines.Any(l => words.All(w => l.Contains(w, StringComparison.Ordinal))), $"no line with {string.Join(", ", words)}:\n{text}");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl label should update the label on a resource [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl replace should update a single-container pod's image [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods [Conformance]")]
    public async Task Objects_are_made_compared_tried_labelled_and_replaced()
    {
        await KubectlAsync("run", "single", "--restart=Never", "--pod-running-timeout=2m0s", "--image=busybox:1", "--labels=run=single", "--command", "--", "sleep", "100000");
        await UntilAsync("pod/single", ".status.phase", "Running");
        Assert.Equal("Never busybox:1", await ReadAsync("pod/single", ".spec.restartPolicy") + " " + await ReadAsync("pod/single", ".spec.containers[0].image"));

        string patched = await KubectlAsync("patch", "pod", "single", "-p", """{"spec":{"containers":[{"name":"single","image":"busybox:2"}]}}""", "--dry-run=server");
        Assert.Contains("pod/single patched", patched);
        Assert.Equal("busybox:1", await ReadAsync("pod/single", ".spec.containers[0].image"));

        await KubectlAsync("label", "pods", "single", "testing-label=testing-label-value");
        Assert.Contains("testing-label-value", await KubectlAsync("get", "pod", "single", "-L", "testing-label"));
        await KubectlAsync("label", "pods", "single", "testing-label-");
        Assert.DoesNotContain("testing-label-value", await KubectlAsync("get", "pod", "single", "-L", "testing-label"));

        string json = await KubectlAsync("get", "pod", "single", "-o", "json");
        (await WithInputAsync(json.Replace("\"image\": \"busybox:1\"", "\"image\": \"docker.io/library/busybox:1\""), "replace", "-f", "-")).Ok();
        Assert.Equal("docker.io/library/busybox:1", await ReadAsync("pod/single", ".spec.containers[0].image"));
        await KubectlAsync("delete", "pods", "single", "--grace-period=0", "--force");

        const string Deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: compared, labels: {app: compared}}\nspec: {replicas: 0, selector: {matchLabels: {app: compared}}, template: {metadata: {labels: {app: compared}}, spec: {containers: [{name: main, image: 'busybox:1'}]}}}\n";
        (await WithInputAsync(Deployment, "create", "-f", "-")).Ok();
        // The controller notes its revision in the meantime.
        await Until.Async("no difference", () => WithInputAsync(Deployment, "diff", "-f", "-"), ran => ran.Code == 0);
        var diff = await WithInputAsync(Deployment.Replace("busybox:1", "busybox:2"), "diff", "-f", "-");
        Assert.Equal(1, diff.Code);
        Assert.Matches(@"(?m)^-\s+- image: busybox:1$", diff.Out);
        Assert.Matches(@"(?m)^\+\s+- image: busybox:2$", diff.Out);
        Assert.Equal("busybox:1", await ReadAsync("deployment/compared", ".spec.template.spec.containers[0].image"));
    }

    [ServantFact]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl expose should create services for rc [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Update Demo should create and stop a replication controller [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Update Demo should scale a replication controller [Conformance]")]
    public async Task A_controller_is_made_exposed_scaled_and_stopped_with_all_its_Pods()
    {
        await Cluster.ImportServantAsync();
        const string Yaml = """
            apiVersion: v1
            kind: ReplicationController
            metadata: {name: update-demo, labels: {name: update-demo}}
            spec:
              replicas: 2
              selector: {name: update-demo, version: nautilus}
              template:
                metadata: {labels: {name: update-demo, version: nautilus}}
                spec: {terminationGracePeriodSeconds: 1, containers: [{name: update-demo, image: 'servant:1', command: [python3, -I, /servant.py, 'http:80'], ports: [{containerPort: 80, protocol: TCP}], env: [{name: IMAGE, value: nautilus.jpg}]}]}
            """;
        (await WithInputAsync(Yaml, "create", "-f", "-")).Ok();
        await ServesAsync(2);
        await KubectlAsync("scale", "rc", "update-demo", "--replicas=1", "--timeout=2m");
        await ServesAsync(1);
        await KubectlAsync("scale", "rc", "update-demo", "--replicas=2", "--timeout=2m");
        string[] pods = await ServesAsync(2);

        foreach (string pod in pods)
        {
            await KubectlAsync("patch", "pod", pod, "-p", """{"metadata":{"annotations":{"x":"y"}}}""");
            Assert.Equal("y", await ReadAsync("pod/" + pod, ".metadata.annotations.x"));
        }

        foreach (var (what, name, port) in (IEnumerable<(string[], string, int)>)[(["rc", "update-demo"], "rm2", 1234), (["service", "rm2"], "rm3", 2345)])
        {
            await KubectlAsync(["expose", .. what, $"--name={name}", $"--port={port}", "--target-port=80"]);
            Assert.Equal($"{port} 80", await ReadAsync("service/" + name, ".spec.ports[0].port") + " " + await ReadAsync("service/" + name, ".spec.ports[0].targetPort"));
            await Until.Async("endpoints of " + name, () => Of("v1", "endpoints").FindAsync(name),
                e => e.Items("subsets").SelectMany(s => s.Items("addresses")).Select(a => a.Text("targetRef.name")).Order().SequenceEqual(pods.Order()) && e.Number("subsets.0.ports.0.port") == 80);
        }

        // They carry the labels of what they were made of.
        await KubectlAsync("delete", "service", "rm2", "rm3");
        (await WithInputAsync(Yaml, "delete", "--grace-period=0", "--force", "-f", "-")).Ok();
        Assert.Equal("", await KubectlAsync("get", "rc,svc", "-l", "name=update-demo", "--no-headers", "--ignore-not-found"));
        await Until.Async("no Pods that stay", () => Pods.ListAsync("name=update-demo"), left => left.All(p => p.At("metadata.deletionTimestamp") is not null));
    }

    /// <summary>Waits until as many Pods run as are wanted, and all of them serve, through the API server.</summary>
    async Task<string[]> ServesAsync(int replicas)
    {
        const string Names = "--template={{range.items}}{{.metadata.name}} {{end}}",
            Runs = "--template={{if (exists . \"status\" \"containerStatuses\")}}{{range .status.containerStatuses}}{{if (and (eq .name \"update-demo\") (exists . \"state\" \"running\"))}}true{{end}}{{end}}{{end}}";
        string[] pods = (await Until.Async($"{replicas} Pods", () => KubectlAsync("get", "pods", "-o", "template", Names, "-l", "name=update-demo"), seen => seen.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == replicas)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (string pod in pods)
        {
            await Until.Async(pod + " to run", () => KubectlAsync("get", "pods", pod, "-o", "template", Runs), seen => seen == "true");
            Assert.Equal("servant:1", await KubectlAsync("get", "pods", pod, "-o", "template", "--template={{range .spec.containers}}{{if eq .name \"update-demo\"}}{{.image}}{{end}}{{end}}"));
            await Until.Async("the data of " + pod, () => Api.AskAsync(HttpMethod.Get, $"{Pods.Path}/{pod}/proxy/data.json"), r => r.Code == 200 && JsonNode.Parse(r.Body).Text("image") == "nautilus.jpg");
        }
        return pods;
    }

    [NodeFact]
    [Trait("Conformance", "[sig-cli] Kubectl logs logs should be able to retrieve and filter logs [Conformance]")]
    public async Task Logs_are_cut_by_lines_bytes_and_time()
    {
        await KubectlAsync("run", "writer", "--image=busybox:1", "--restart=Never", "--pod-running-timeout=2m0s", "--", "sh", "-c", "for i in $(seq 100); do echo line $i of the log; done; while sleep 0.2; do echo and another; done");
        await UntilAsync("pod/writer", ".status.phase", "Running");
        await Until.Async("a hundred lines", () => KubectlAsync("logs", "writer"), log => log.Split('\n').Length > 101);
        string last = await KubectlAsync("logs", "writer", "writer", "--tail=1");
        Assert.Equal(1, last.Count(c => c == '\n'));
        Assert.NotEqual("\n", last);
        Assert.Equal("l", await KubectlAsync("logs", "writer", "writer", "--limit-bytes=1"));
        string stamped = await KubectlAsync("logs", "writer", "writer", "--tail=1", "--timestamps");
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) and another\n$", stamped);
        // What was written long enough ago is left out, sooner or later.
        await Until.Async("the log of the last second alone", () => KubectlAsync("logs", "writer", "writer", "--since=1s"), log => log.Length > 0 && !log.Contains("line 100 "));
        Assert.Contains("line 1 of the log\n", await KubectlAsync("logs", "writer", "writer", "--since=24h"));
        await KubectlAsync("delete", "pod", "writer", "--grace-period=0", "--force");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-cli] Kubectl client Proxy server should support --unix-socket=/path [Conformance]")]
    [Trait("Conformance", "[sig-cli] Kubectl client Proxy server should support proxy with --port 0 [Conformance]")]
    public async Task Its_proxy_serves_at_a_port_or_a_socket()
    {
        string path = Path.Combine(Cluster.Scratch, Namespace + ".sock");
        using (var proxy = InBackground("proxy", "--unix-socket=" + path))
        {
            await Until.TrueAsync("the socket", () => Task.FromResult(proxy.Text.Contains("Starting to serve on") && File.Exists(path)));
            using var client = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, ct) =>
                {
                    var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
                    await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(path), ct);
                    return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
                },
            });
            Assert.Equal("APIVersions", JsonNode.Parse(await client.GetStringAsync("http://localhost/api/")).Text("kind"));
        }
        using (var proxy = InBackground("proxy", "-p", "0", "--disable-filter"))
        {
            string said = await Until.Async("the port", () => Task.FromResult(proxy.Text), text => text.Contains("Starting to serve on 127.0.0.1:"));
            string port = said[(said.IndexOf("127.0.0.1:", StringComparison.Ordinal) + 10)..].Split('\n')[0].Trim();
            Assert.Equal("APIVersions", JsonNode.Parse(await FetchAsync($"http://localhost:{port}/api/")).Text("kind"));
        }
    }

    [ServantFact]
    [Trait("Conformance", "[sig-cli] Kubectl client Guestbook application should create and stop a working application [Conformance]")]
    public async Task An_application_of_three_parts_works()
    {
        await Cluster.ImportServantAsync();
        static string Part(string name, int port, int replicas) => $$"""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: book-{{name}}, labels: {app: guestbook} }
            spec:
              replicas: {{replicas}}
              selector: {matchLabels: {app: guestbook, tier: {{name}} } }
              template:
                metadata: {labels: {app: guestbook, tier: {{name}} } }
                spec:
                  terminationGracePeriodSeconds: 1
                  containers:
                  - {name: main, image: 'servant:1', command: [python3, -I, /servant.py, '{{name}}:{{port}}'], resources: {requests: {cpu: 10m, memory: 10Mi} }, ports: [{containerPort: {{port}} }]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: book-{{name}}, labels: {app: guestbook} }
            spec: {selector: {app: guestbook, tier: {{name}} }, ports: [{port: {{port}} }]}
            ---

            """;
        string yaml = Part("primary", 6379, 1) + Part("replica", 6379, 2) + Part("frontend", 80, 3);
        (await WithInputAsync(yaml, "create", "-f", "-")).Ok();
        await Until.Async("six Pods", () => Pods.ListAsync("app=guestbook"), found => found.Count == 6 && found.All(p => p.Condition("Ready").Text("status") == "True"));
        string front = $"{Services.Path}/book-frontend/proxy/guestbook";
        Task<string> DataAsync(string query, Func<string, bool> enough) => Until.Async(query, async () => JsonNode.Parse((await Api.AskAsync(HttpMethod.Get, $"{front}?{query}")) is { Code: 200 } r ? r.Body : "{}").Text("data"), enough);
        await Until.Async("an empty book", () => Api.AskAsync(HttpMethod.Get, front + "?cmd=get&key=messages&value="), r => r.Code == 200 && JsonNode.Parse(r.Body).At("data")?.ToString() == "");
        await DataAsync("cmd=set&key=messages&value=TestEntry", said => said == "Updated");
        await DataAsync("cmd=get&key=messages&value=", said => said.StartsWith("TestEntry", StringComparison.Ordinal));
        (await WithInputAsync(yaml, "delete", "--grace-period=0", "--force", "-f", "-")).Ok();
        Assert.Equal("", await KubectlAsync("get", "deployments,svc", "-l", "app=guestbook", "--no-headers", "--ignore-not-found"));
        await Until.Async("no Pods that stay", () => Pods.ListAsync("app=guestbook"), left => left.All(p => p.At("metadata.deletionTimestamp") is not null));
    }
}
