using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Who reaches whom under NetworkPolicies, tried by Pods: a server with three ports, and those who ask it.</summary>
public sealed class NetworkPolicyTests(SharedCluster shared) : Servants(shared)
{
    Objects Policies => Of("networking.k8s.io/v1", "networkpolicies");

    /// <summary>80 and 81 over TCP, 80 over UDP; its name is its label <c>pod</c>.</summary>
    Task<System.Text.Json.Nodes.JsonNode> ServerAsync(string name) =>
        ReadyServantAsync(name, "http:80 http:81 udp:80", container: "readinessProbe: {httpGet: {port: 80, path: /}, periodSeconds: 1}, ports: [{name: serve-80, containerPort: 80}, {name: serve-81, containerPort: 81}, {name: serve-80-udp, containerPort: 80, protocol: UDP}]");

    static string Address(System.Text.Json.Nodes.JsonNode pod) => pod.Text("status.podIP");

    /// <summary>What of these can be reached, such as <c>80</c>, <c>81</c> and <c>80/udp</c>.</summary>
    async Task<string> ReachesAsync(string from, string address, string ns)
    {
        string script = $"for p in 80 81; do [ -n \"$(timeout 2 wget -qO- http://{address}:$p/hostname 2>/dev/null)\" ] && echo $p; done; [ -n \"$({Udp(address, 80)})\" ] && echo 80/udp; true";
        return string.Join(' ', (await Cluster.TryKubectlAsync(["-n", ns, "exec", from, "--", "sh", "-c", script])).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    Task ReachesAsync(string from, string address, string wanted, string policy, string? ns = null) =>
        Until.Async($"{from} reaches '{wanted}' of {address} under: {policy}", () => ReachesAsync(from, address, ns ?? Namespace), seen => seen == wanted);

    const string All = "80 81 80/udp";

    Task AllowAsync(string name, string spec) => Policies.CreateAsync($"{{metadata: {{name: {name}}}, spec: {spec}}}");

    [ServantFact]
    public async Task What_a_Pod_receives_is_what_any_policy_allows_and_all_again_when_they_are_gone()
    {
        string server = Address(await ServerAsync("server"));
        await AskerAsync("a");
        await AskerAsync("b");
        await ReachesAsync("a", server, All, "none");

        await AllowAsync("deny", "{podSelector: {}, policyTypes: [Ingress]}");
        await ReachesAsync("a", server, "", "deny");
        // Its node reaches it all the same, and so do its probes; so does the Pod itself.
        Assert.Equal("server", (await FetchAsync($"http://{server}/hostname")).Trim());
        await ReachesAsync("server", server, All, "deny, itself");
        await ServerAsync("later");

        await AllowAsync("from-a", "{podSelector: {matchLabels: {name: server}}, ingress: [{from: [{podSelector: {matchLabels: {name: a}}}], ports: [{port: 80}]}]}");
        await ReachesAsync("a", server, "80", "from-a");
        await ReachesAsync("b", server, "", "from-a");
        await AllowAsync("by-name", "{podSelector: {matchLabels: {name: server}}, ingress: [{ports: [{port: serve-81}, {port: serve-80-udp, protocol: UDP}]}]}");
        await ReachesAsync("a", server, All, "from-a and by-name");
        await ReachesAsync("b", server, "81 80/udp", "by-name");

        // By way of its Service, whose address is not what policies see.
        var service = await Services.CreateAsync("{metadata: {name: served}, spec: {selector: {name: server}, ports: [{name: a, port: 80, targetPort: 80}, {name: b, port: 81, targetPort: 81}]}}");
        await ReachesAsync("b", service.Text("spec.clusterIP"), "81", "by-name, by its Service");

        await Pods.PatchAsync("b", "{metadata: {labels: {name: a}}}");
        await ReachesAsync("b", server, All, "from-a, with a label that is allowed");
        foreach (string name in (string[])["deny", "from-a", "by-name"]) await Policies.DeleteAsync(name);
        await ReachesAsync("a", server, All, "none any longer");
    }

    [ServantFact]
    public async Task Namespaces_are_allowed_by_their_labels_ranges_by_their_addresses_and_ports_by_their_numbers()
    {
        string server = Address(await ServerAsync("server"));
        string asker = await AskerAsync(), address = Address(await Pods.GetAsync(asker));
        string other = Namespace + "-other";
        var namespaces = new Objects(Api, "v1", "namespaces");
        await namespaces.CreateAsync($"metadata: {{name: {other}, labels: {{team: red}}}}");
        try
        {
            await Until.Async("default service account of " + other, () => new Objects(Api, "v1", "serviceaccounts", other).FindAsync("default"), found => found is not null);
            var there = new Objects(Api, "v1", "pods", other);
            foreach (string name in (string[])["a", "b"]) await there.CreateAsync(Pod(name, ""));
            foreach (string name in (string[])["a", "b"]) await there.UntilAsync(name, p => p.Condition("Ready").Text("status") == "True");

            await AllowAsync("red", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {name: a}}}]}]}");
            await ReachesAsync(asker, server, "", "red");
            await ReachesAsync("a", server, All, "red", other);
            await ReachesAsync("b", server, "", "red", other);
            await namespaces.PatchAsync(other, "{metadata: {labels: {team: blue}}}");
            await ReachesAsync("a", server, "", "red, of another team", other);

            await AllowAsync("range", $"{{podSelector: {{}}, ingress: [{{from: [{{ipBlock: {{cidr: 0.0.0.0/0, except: ['{Address(await there.GetAsync("a"))}/32']}}}}], ports: [{{port: 81, endPort: 90}}, {{protocol: UDP}}]}}]}}");
            await ReachesAsync(asker, server, "81 80/udp", "range");
            await ReachesAsync("b", server, "81 80/udp", "range", other);
            await ReachesAsync("a", server, "", "range, of whose addresses it is not", other);
        }
        finally { await namespaces.DeleteAsync(other); }
    }

    [ServantFact]
    public async Task What_a_Pod_sends_is_what_a_policy_allows_and_the_other_end_takes()
    {
        string one = Address(await ServerAsync("one")), two = Address(await ServerAsync("two"));
        await AskerAsync("a");
        await AskerAsync("b");
        await AllowAsync("to-one", "{podSelector: {matchLabels: {name: a}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {name: one}}}], ports: [{port: serve-80}, {port: 80, protocol: UDP}]}]}");
        await ReachesAsync("a", one, "80 80/udp", "to-one");
        await ReachesAsync("a", two, "", "to-one");
        await ReachesAsync("b", two, All, "to-one, which is not its own");
        // Answers to who asks it are no connections of its own.
        await AllowAsync("one-sends-nothing", "{podSelector: {matchLabels: {name: one}}, policyTypes: [Egress]}");
        await ReachesAsync("one", two, "", "one-sends-nothing");
        await ReachesAsync("a", one, "80 80/udp", "to-one");

        await AllowAsync("one-takes-udp", "{podSelector: {matchLabels: {name: one}}, ingress: [{ports: [{protocol: UDP}]}]}");
        await ReachesAsync("a", one, "80/udp", "to-one and one-takes-udp");
        // The node is never out of reach, and names are served there.
        Assert.NotEqual("", await RunAsync("a", "nslookup kubernetes.default.svc.cluster.local"));

        await Policies.DeleteAsync("to-one");
        await ReachesAsync("a", two, All, "none of its own");
    }

    [ServantFact]
    public async Task A_connection_that_stands_outlives_a_policy_that_would_refuse_it()
    {
        string server = Address(await ServerAsync("server"));
        string asker = await AskerAsync();
        // One connection that asks again and again, as long as it stands.
        const string Script = "import http.client,sys,time\nc=http.client.HTTPConnection(sys.argv[1],80,timeout=5)\nwhile True:\n c.request('GET','/hostname'); print(c.getresponse().read().decode(),flush=True); time.sleep(0.2)\n";
        using var asking = InBackground("exec", asker, "--", "python3", "-u", "-c", Script, server);
        await Until.TrueAsync("the first answer", () => Task.FromResult(asking.Text.Contains("server", StringComparison.Ordinal)));
        await AllowAsync("deny", "{podSelector: {}, policyTypes: [Ingress]}");
        await ReachesAsync(asker, server, "", "deny");
        int length = asking.Text.Length;
        await Until.TrueAsync("an answer over the connection that stood", () => Task.FromResult(asking.Text.Length > length + 20));
    }
}
