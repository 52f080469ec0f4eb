using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Tests with Pods that answer: started, found by Services, and asked from other Pods.</summary>
public abstract class Servants(SharedCluster shared) : NamespaceTest(shared)
{
    protected Objects Pods => Of("v1", "pods");
    protected Objects Services => Of("v1", "services");

    /// <summary>A Pod that serves, not waited for.</summary>
    /// <param name="serves">The servers, as servant.py has them.</param>
    /// <param name="spec">More of the spec, in flow style: <c>hostname: x, subdomain: y</c>.</param>
    /// <param name="container">More of the container.</param>
    protected async Task<JsonNode> StartAsync(string name, string serves, string labels = "", string container = "", string spec = "")
    {
        await Cluster.ImportServantAsync();
        return await Pods.CreateAsync(Pod(name, serves, labels, container, spec));
    }

    protected static string Pod(string name, string serves, string labels = "", string container = "", string spec = "") => $$"""
        metadata: {name: {{name}}, labels: {name: {{name}}{{(labels.Length > 0 ? ", " + labels : "")}} } }
        spec: {{Spec(serves, container, spec)}}
        """;

    static string Spec(string serves, string container, string spec) => $$"""
        {terminationGracePeriodSeconds: 0, {{(spec.Length > 0 ? spec + ", " : "")}}containers: [{name: main, image: 'servant:1', command: {{Command(serves)}}{{(container.Length > 0 ? ", " + container : "")}} }]}
        """;

    static string Command(string serves) =>
        serves.Length == 0 ? "[sleep, '100000']" : $"[python3, -I, /servant.py, {string.Join(", ", serves.Split(' ').Select(s => $"'{s}'"))}]";

    /// <summary>A Pod that serves, and is ready: what it serves first is probed.</summary>
    protected async Task<JsonNode> ReadyServantAsync(string name, string serves, string labels = "", string container = "", string spec = "")
    {
        await StartAsync(name, serves, labels, container, spec);
        return await ReadyAsync(name);
    }

    protected async Task<JsonNode> ReadyAsync(string name) => await Pods.UntilAsync(name, p => p.Condition("Ready").Text("status") == "True");

    /// <summary>As many Pods as asked for, kept by a ReplicationController, all of them ready.</summary>
    /// <returns>Their names.</returns>
    protected async Task<string[]> ReplicasAsync(string name, int count, string serves, int port)
    {
        await Cluster.ImportServantAsync();
        await Of("v1", "replicationcontrollers").CreateAsync($$"""
            metadata: {name: {{name}}}
            spec:
              replicas: {{count}}
              selector: {name: {{name}}}
              template: {metadata: {labels: {name: {{name}} } }, spec: {{Spec(serves, $"readinessProbe: {{tcpSocket: {{port: {port}}}, periodSeconds: 1}}, ports: [{{containerPort: {port}}}]", "")}}}
            """);
        await Of("v1", "replicationcontrollers").UntilAsync(name, rc => rc.Number("status.readyReplicas") == count);
        return [.. (await Pods.ListAsync("name=" + name)).Select(p => p.Name()).Order(StringComparer.Ordinal)];
    }

    /// <summary>A Pod to ask from.</summary>
    protected async Task<string> AskerAsync(string name = "asker", string spec = "")
    {
        await ReadyServantAsync(name, "", spec: spec);
        return name;
    }

    /// <summary>Runs a script in a Pod; what it wrote.</summary>
    protected async Task<string> RunAsync(string pod, string script) => (await TryAsync("exec", pod, "--", "sh", "-c", script)).Out;

    /// <summary>The script of a client that asks again and again, a line for each answer.</summary>
    protected static string Ask(string address, int times) => $"for i in $(seq {times}); do timeout 3 wget -qO- http://{address}/hostname; echo; done";

    /// <summary>The script that asks for the host's name by datagram.</summary>
    protected static string Udp(string host, int port) =>
        $"python3 -Ic 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.sendto(b\"hostname\", (\"{host}\", {port})); print(s.recv(99).decode())' 2>/dev/null";

    /// <summary>Asks until all of these, and nobody else, have answered: within two minutes, as upstream's test has it.</summary>
    protected async Task AllAnswerAsync(string asker, string address, IEnumerable<string> names)
    {
        var wanted = names.ToHashSet();
        var seen = new HashSet<string>();
        await Until.Async($"answers of {string.Join(' ', wanted)} at {address}", async () =>
        {
            seen.UnionWith((await RunAsync(asker, Ask(address, 8))).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            return string.Join(' ', seen);
        }, _ => seen.IsSupersetOf(wanted));
        Assert.Equal(wanted.Order(), seen.Order());
    }

    /// <summary>The node's own address, at which node ports are served.</summary>
    protected async Task<string> NodeAddressAsync() =>
        (await new Objects(Api, "v1", "nodes").ListAsync())[0].Items("status.addresses").First(a => a.Text("type") == "InternalIP").Text("address");
}
