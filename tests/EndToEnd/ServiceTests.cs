using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed class ServiceTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task A_Service_is_reached_by_name_from_a_Pod_and_by_node_port_from_outside()
    {
        await ApplyExampleAsync("web.yaml");
        await KubectlAsync("expose", "deployment", "web", "--name=outside", "--type=NodePort", "--port=80", "--target-port=http");
        string client = await ClientAsync();
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        string address = await ReadAsync("service/web", ".spec.clusterIP");

        foreach (string name in (string[])["web", $"web.{Namespace}", $"web.{Namespace}.svc.cluster.local", address])
            await Until.Async("answer of http://" + name, () => TryAsync("exec", client, "--", "timeout", "5", "wget", "-qO-", "http://" + name), answer => answer.Out.StartsWith("hello from web-"));
        Assert.Contains("10.", await KubectlAsync("exec", client, "--", "nslookup", $"kubernetes.default.svc.cluster.local"));

        string node = await Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}");
        string port = await ReadAsync("service/outside", ".spec.ports[0].nodePort");
        await Until.Async("answer of the node port", () => FetchAsync($"http://{node}:{port}/"), answer => answer.StartsWith("hello from web-"));

        // All three Pods serve.
        var seen = new HashSet<string>();
        await Until.TrueAsync("answers of all Pods", async () => seen.Add(await FetchAsync($"http://{node}:{port}/")) && seen.Count(s => s.Length > 0) == 3);
    }

    [NodeFact]
    public async Task A_Pod_that_is_not_ready_is_taken_out_of_its_Service_until_it_is_again()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: fickle, labels: {app: fickle}}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: main
                image: busybox:1
                command: [sh, -c, 'mkdir /www && echo me > /www/index.html && touch /tmp/ready && exec httpd -f -p 80 -h /www']
                readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1, failureThreshold: 1}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: fickle}
            spec: {selector: {app: fickle}, ports: [{port: 80}]}
            """);
        await ReadyAsync("fickle");
        string client = await ClientAsync();
        const string Ready = "{range .items[*].endpoints[*]}{.conditions.ready}{end}";
        Task<string> Slices() => KubectlAsync("get", "endpointslices", "-l", "kubernetes.io/service-name=fickle", "-o", $"jsonpath={Ready}");
        Task<Ran> Ask() => TryAsync("exec", client, "--", "timeout", "3", "wget", "-qO-", "http://fickle");
        await Until.Async("the Pod in its EndpointSlice", Slices, s => s == "true");
        await Until.Async("an answer", Ask, a => a.Out == "me\n");

        await KubectlAsync("exec", "fickle", "--", "rm", "/tmp/ready");
        await Until.Async("the Pod out of its EndpointSlice", Slices, s => s == "false");
        await UntilAsync("endpoints/fickle", ".subsets[*].notReadyAddresses[*].targetRef.name", "fickle");
        await Until.Async("no answer any more", Ask, a => a.Code != 0 && a.Out.Length == 0);

        await KubectlAsync("exec", "fickle", "--", "touch", "/tmp/ready");
        await Until.Async("the Pod back in its EndpointSlice", Slices, s => s == "true");
        await Until.Async("an answer again", Ask, a => a.Out == "me\n");
        Assert.Equal("0", await ReadAsync("pod/fickle", ".status.containerStatuses[0].restartCount"));
    }
}
