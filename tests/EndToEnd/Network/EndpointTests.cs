using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Where Services lead: to Pods as they come and go, by the ports these have, and to what slices say that were written by hand.</summary>
public sealed class EndpointTests(SharedCluster shared) : Servants(shared)
{
    /// <summary>Waits until both Endpoints and EndpointSlices name these Pods with these ports, and none else.</summary>
    async Task LeadsToAsync(string service, params (string Pod, int Port)[] wanted)
    {
        string Wanted(IEnumerable<string> found) => string.Join(' ', found.Order(StringComparer.Ordinal));
        string all = Wanted(wanted.Select(w => $"{w.Pod}:{w.Port}"));
        await Until.Async($"endpoints {all} of {service}", async () =>
            await Of("v1", "endpoints").FindAsync(service) is not { } found ? "(none)"
                : Wanted(found.Items("subsets").SelectMany(s => s.Items("addresses").SelectMany(a => s.Items("ports").Select(p => $"{a.Text("targetRef.name")}:{p.Number("port")}")))), seen => seen == all);
        await Until.Async($"slices {all} of {service}", async () => Wanted((await Of("discovery.k8s.io/v1", "endpointslices").ListAsync("kubernetes.io/service-name=" + service))
            .SelectMany(s => s.Items("endpoints").Where(e => e.Text("conditions.ready") == "true").SelectMany(e => s.Items("ports").Select(p => $"{e.Text("targetRef.name")}:{p.Number("port")}")))), seen => seen == all);
    }

    Task<string> AnswersAsync(string asker, string service, int port, string words) =>
        Until.Async($"answer of {service}:{port}", () => RunAsync(asker, $"timeout 3 wget -qO- http://{service}:{port}/hostname"), seen => seen.Length > 0 && words.Split(' ').Contains(seen));

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should serve a basic endpoint from pods [Conformance]")]
    public async Task A_Service_follows_its_Pods()
    {
        await Services.CreateAsync("{metadata: {name: follower}, spec: {selector: {kind: followed}, ports: [{port: 80, targetPort: 80, protocol: TCP}]}}");
        await LeadsToAsync("follower");
        string asker = await AskerAsync();
        await StartAsync("one", "http:80", "kind: followed", "ports: [{containerPort: 80}]");
        await LeadsToAsync("follower", ("one", 80));
        await AnswersAsync(asker, "follower", 80, "one");
        await StartAsync("two", "http:80", "kind: followed", "ports: [{containerPort: 80}]");
        await LeadsToAsync("follower", ("one", 80), ("two", 80));
        await AllAnswerAsync(asker, "follower", ["one", "two"]);
        await Pods.DeleteAsync("one");
        await LeadsToAsync("follower", ("two", 80));
        await AnswersAsync(asker, "follower", 80, "two");
        await Pods.DeleteAsync("two");
        await LeadsToAsync("follower");
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should serve multiport endpoints from pods [Conformance]")]
    public async Task Each_port_of_a_Service_leads_to_the_Pods_that_have_it()
    {
        await Services.CreateAsync("""
            metadata: {name: ports}
            spec: {selector: {kind: porter}, ports: [{name: portname1, port: 80, targetPort: svc1}, {name: portname2, port: 81, targetPort: svc2}]}
            """);
        await LeadsToAsync("ports");
        string asker = await AskerAsync();
        await StartAsync("one", "http:100", "kind: porter", "ports: [{name: svc1, containerPort: 100}]");
        await LeadsToAsync("ports", ("one", 100));
        await StartAsync("two", "http:101", "kind: porter", "ports: [{name: svc2, containerPort: 101}]");
        await LeadsToAsync("ports", ("one", 100), ("two", 101));
        await AnswersAsync(asker, "ports", 80, "one");
        await AnswersAsync(asker, "ports", 81, "two");
        await Pods.DeleteAsync("one");
        await LeadsToAsync("ports", ("two", 101));
        await AnswersAsync(asker, "ports", 81, "two");
        await Pods.DeleteAsync("two");
        await LeadsToAsync("ports");
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] Services should serve endpoints on same port and different protocols [Conformance]")]
    public async Task One_port_may_be_served_by_two_protocols()
    {
        var made = await Services.CreateAsync("""
            metadata: {name: both}
            spec: {selector: {name: both}, ports: [{name: tcp, port: 80, targetPort: 80, protocol: TCP}, {name: udp, port: 80, targetPort: 80, protocol: UDP}]}
            """);
        await ReadyServantAsync("both", "http:80 udp:80", container: "ports: [{name: tcp, containerPort: 80, protocol: TCP}, {name: udp, containerPort: 80, protocol: UDP}]");
        await LeadsToAsync("both", ("both", 80), ("both", 80));
        string asker = await AskerAsync();
        await AnswersAsync(asker, "both", 80, "both");
        await Until.Async("the answer by UDP", () => RunAsync(asker, Udp(made.Text("spec.clusterIP"), 80)), seen => seen.Trim() == "both");

        // One of the two goes, and the other stays.
        await Services.ChangeAsync("both", s => s["spec"]!["ports"]!.AsArray().RemoveAt(0));
        await Until.Async("no answer by TCP", () => TryAsync("exec", asker, "--", "timeout", "3", "wget", "-qO-", "http://both"), ran => ran.Code != 0);
        Assert.Equal("both", (await RunAsync(asker, Udp(made.Text("spec.clusterIP"), 80))).Trim());
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices [Conformance]")]
    [Trait("Conformance", "[sig-network] EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices [Conformance]")]
    public async Task Slices_written_by_hand_are_taken_together()
    {
        var slices = Of("discovery.k8s.io/v1", "endpointslices");
        string one = (await ReadyServantAsync("one", "http:3000")).Text("status.podIP"), two = (await ReadyServantAsync("two", "http:3001 http:3002")).Text("status.podIP");
        Task SliceAsync(string service, string name, string ports, string ip) => slices.CreateAsync($$"""
            metadata: {name: {{name}}, labels: {kubernetes.io/service-name: {{service}}, endpointslice.kubernetes.io/managed-by: e2e-test} }
            addressType: IPv4
            ports: {{ports}}
            endpoints: [{addresses: [{{ip}}]}]
            """);
        // One port, several addresses: each slice has its own number for it.
        await Services.CreateAsync("{metadata: {name: addresses}, spec: {ports: [{name: example, port: 80, targetPort: 3000, protocol: TCP}]}}");
        await SliceAsync("addresses", "addresses-1", "[{name: example, port: 3000, protocol: TCP}]", one);
        await SliceAsync("addresses", "addresses-2", "[{name: example, port: 3001, protocol: TCP}]", two);
        // Several ports, each in a slice of its own.
        await Services.CreateAsync("{metadata: {name: ports}, spec: {ports: [{name: port80, port: 80, targetPort: 3001, protocol: TCP}, {name: port81, port: 81, targetPort: 3002, protocol: TCP}]}}");
        await SliceAsync("ports", "ports-1", "[{name: port80, port: 3001, protocol: TCP}]", two);
        await SliceAsync("ports", "ports-2", "[{name: port81, port: 3002, protocol: TCP}]", two);
        string asker = await AskerAsync();
        await AllAnswerAsync(asker, "addresses", ["one", "two"]);
        await AnswersAsync(asker, "ports", 80, "two");
        await AnswersAsync(asker, "ports", 81, "two");
        Assert.Equal(4, (await slices.ListAsync("endpointslice.kubernetes.io/managed-by=e2e-test")).Count);
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server [Conformance]")]
    public async Task The_API_server_has_endpoints_of_its_own_that_lead_to_it()
    {
        var service = await new Objects(Api, "v1", "services", "default").GetAsync("kubernetes");
        var endpoints = await new Objects(Api, "v1", "endpoints", "default").GetAsync("kubernetes");
        var slices = await new Objects(Api, "discovery.k8s.io/v1", "endpointslices", "default").ListAsync("kubernetes.io/service-name=kubernetes");
        string[] old = [.. endpoints.Items("subsets").SelectMany(s => s.Items("addresses").SelectMany(a => s.Items("ports").Select(p => $"{p.Text("name")} {a.Text("ip")}:{p.Number("port")}"))).Order()];
        Assert.NotEmpty(old);
        Assert.Equal(old, slices.SelectMany(s => s.Items("endpoints").SelectMany(e => s.Items("ports").Select(p => $"{p.Text("name")} {e.Text("addresses.0")}:{p.Number("port")}"))).Order());
        // From a Pod, both by name and at the endpoint, it is the API server that answers: with a certificate of the cluster's authority.
        string asker = await AskerAsync();
        foreach (string at in (string[])["kubernetes.default.svc:443", service.Text("spec.clusterIP") + ":443", old[0].Split(' ')[1]])
            Assert.StartsWith("401 or 200: ", await RunAsync(asker, $"python3 -Ic 'import http.client, ssl; c = http.client.HTTPSConnection(\"{at}\", timeout=9, context=ssl.create_default_context(cafile=\"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt\")); c.request(\"GET\", \"/version\"); r = c.getresponse(); print(\"401 or 200:\" if r.status in (401, 200) else \"no:\", r.status)'"));
    }

    [ServantTheory, InlineData("http", false), InlineData("udp", false), InlineData("http", true), InlineData("udp", true)]
    [Trait("Conformance", "[sig-network] Networking Granular Checks: Pods should function for intra-pod communication: http [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-network] Networking Granular Checks: Pods should function for intra-pod communication: udp [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-network] Networking Granular Checks: Pods should function for node-pod communication: http [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-network] Networking Granular Checks: Pods should function for node-pod communication: udp [LinuxOnly] [NodeConformance] [Conformance]")]
    public async Task Pods_are_reached_from_Pods_and_from_the_node(string protocol, bool fromNode)
    {
        string ip = (await ReadyServantAsync("server", "http:8083 udp:8081", container: "readinessProbe: {httpGet: {path: /hostname, port: 8083}, periodSeconds: 1}")).Text("status.podIP");
        int port = protocol == "udp" ? 8081 : 8083;
        if (fromNode)
        {
            string neighbour = await AskerAsync("neighbour", "hostNetwork: true");
            await Until.Async("the answer to the node", () => RunAsync(neighbour, protocol == "udp" ? Udp(ip, port) : $"timeout 3 wget -qO- http://{ip}:{port}/hostname"), seen => seen.Trim() == "server");
            return;
        }
        string asks = (await ReadyServantAsync("dialer", "http:9080", container: "readinessProbe: {tcpSocket: {port: 9080}, periodSeconds: 1}")).Text("status.podIP");
        // The dialer is asked from within itself to ask the other.
        var said = JsonNode.Parse(await RunAsync("dialer", $"timeout 9 wget -qO- 'http://{asks}:9080/dial?request=hostname&protocol={protocol}&host={ip}&port={port}&tries=3'"));
        Assert.Equal("[\"server\",\"server\",\"server\"]", said.At("responses")!.ToJsonString());
        Assert.Equal("[]", said.At("errors")!.ToJsonString());
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly] [Conformance]")]
    public async Task A_port_of_the_node_can_be_had_once_for_each_address_and_protocol()
    {
        int free = RealCluster.FreePort();
        string node = await NodeAddressAsync();
        Task HostPortAsync(string name, string ip, string protocol) => ReadyServantAsync(name, "http:8080 udp:8080",
            container: $"ports: [{{containerPort: 8080, hostPort: {free}, hostIP: {ip}, protocol: {protocol}}}], readinessProbe: {{httpGet: {{path: /hostname, port: 8080}}, periodSeconds: 1}}");
        await HostPortAsync("loopback", "127.0.0.1", "TCP");
        await HostPortAsync("address", node, "TCP");
        await HostPortAsync("datagrams", node, "UDP");
        string neighbour = await AskerAsync("neighbour", "hostNetwork: true");
        await Until.Async("the one at the loopback", () => RunAsync(neighbour, Http("127.0.0.1", free, node)), seen => seen.Trim() == "loopback");
        await Until.Async("the one at the address", () => RunAsync(neighbour, Http(node, free, "")), seen => seen.Trim() == "address");
        await Until.Async("the one for datagrams", () => RunAsync(neighbour, Udp(node, free)), seen => seen.Trim() == "datagrams");
        // The same address and protocol again is a conflict: there is no other node.
        await StartAsync("late", "http:8080", container: $"ports: [{{containerPort: 8080, hostPort: {free}, hostIP: {node}, protocol: UDP}}]");
        await Pods.UntilAsync("late", p => p.Condition("PodScheduled").Text("reason") == "Unschedulable");
    }

    /// <summary>The script that asks for the host's name from an address of its own.</summary>
    static string Http(string host, int port, string from) =>
        $"python3 -Ic 'import http.client; c = http.client.HTTPConnection(\"{host}\", {port}, timeout=3, source_address={(from.Length > 0 ? $"(\"{from}\", 0)" : "None")}); c.request(\"GET\", \"/hostname\"); print(c.getresponse().read().decode())' 2>/dev/null";
}
