using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Network;

/// <summary>Names of the cluster as Pods ask for them: by datagram and by TCP.</summary>
public sealed class DnsTests(SharedCluster shared) : Servants(shared)
{
    const string Domain = "svc.cluster.local";

    /// <summary>What a Pod learns about a name once there is something to learn, the same by both transports.</summary>
    async Task<string> AskAsync(string pod, string name, string type, Func<string, bool>? enough = null, string how = "")
    {
        string[] heard = await Task.WhenAll(((string[])["udp", "tcp"]).Select(by => Until.Async($"{type} of {name} by {by}",
            () => RunAsync(pod, $"python3 -I /servant.py dig {name} {type} {by} {how}"), enough ?? (text => text.Length > 0))));
        Assert.Equal(heard[0], heard[1]);
        return heard[0].TrimEnd('\n');
    }

    Task<JsonNode> HeadlessAsync(string name, string selector) => Services.CreateAsync($$"""
        metadata: {name: {{name}}}
        spec: {clusterIP: None, selector: {{{selector}}}, ports: [{name: http, port: 80, protocol: TCP}]}
        """);

    Task<JsonNode> RegularAsync(string name, string selector) => Services.CreateAsync($$"""
        metadata: {name: {{name}}}
        spec: {selector: {{{selector}}}, ports: [{name: http, port: 80, protocol: TCP}]}
        """);

    [ServantFact]
    [Trait("Conformance", "[sig-network] DNS should provide DNS for the cluster [Conformance]")]
    [Trait("Conformance", "[sig-network] DNS should provide DNS for services [Conformance]")]
    [Trait("Conformance", "[sig-network] DNS should resolve DNS of partial qualified names for services [LinuxOnly] [Conformance]")]
    public async Task Services_are_found_by_full_and_partial_names_by_port_and_by_address()
    {
        await HeadlessAsync("headless", "dns-test: 'true'");
        string address = (await RegularAsync("regular", "dns-test: 'true'")).Text("spec.clusterIP");
        string ip = (await ReadyServantAsync("querier", "http:80", labels: "dns-test: 'true'")).Text("status.podIP");

        string api = (await new Objects(Api, "v1", "services", "default").GetAsync("kubernetes")).Text("spec.clusterIP");
        Assert.Equal(api, await AskAsync("querier", "kubernetes.default.svc.cluster.local", "A"));
        Assert.Equal(ip, await AskAsync("querier", $"{ip.Replace('.', '-')}.{Namespace}.pod.cluster.local", "A"));

        foreach (string name in (string[])[$"headless.{Namespace}.{Domain}", $"headless.{Namespace}.svc", $"headless.{Namespace}", "headless"])
            Assert.Equal(ip, await AskAsync("querier", name, "A", how: "search"));
        foreach (string name in (string[])[$"regular.{Namespace}.{Domain}", $"regular.{Namespace}.svc", $"regular.{Namespace}", "regular"])
            Assert.Equal(address, await AskAsync("querier", name, "A", how: "search"));
        Assert.Equal($"80 regular.{Namespace}.{Domain}.", await AskAsync("querier", $"_http._tcp.regular.{Namespace}.{Domain}", "SRV"));
        Assert.Equal($"80 regular.{Namespace}.{Domain}.", await AskAsync("querier", $"_http._tcp.regular.{Namespace}.svc", "SRV", how: "search"));
        Assert.Equal($"80 {ip.Replace('.', '-')}.headless.{Namespace}.{Domain}.", await AskAsync("querier", $"_http._tcp.headless.{Namespace}.{Domain}", "SRV"));
        Assert.Equal($"80 {ip.Replace('.', '-')}.headless.{Namespace}.{Domain}.", await AskAsync("querier", $"_http._tcp.headless.{Namespace}.svc", "SRV", how: "search"));
        Assert.Equal($"regular.{Namespace}.{Domain}.", await AskAsync("querier", string.Join('.', address.Split('.').Reverse()) + ".in-addr.arpa", "PTR"));

        // Through the C library, too.
        Assert.StartsWith(address + " ", await RunAsync("querier", "python3 -Ic 'import socket; print(socket.gethostbyname(\"regular\"), \"found\")'"));
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] DNS should provide /etc/hosts entries for the cluster [Conformance]")]
    [Trait("Conformance", "[sig-network] DNS should provide DNS for pods for Hostname [Conformance]")]
    [Trait("Conformance", "[sig-network] DNS should provide DNS for pods for Subdomain [Conformance]")]
    public async Task A_Pod_with_a_subdomain_is_known_by_its_host_name_in_itself_and_outside()
    {
        await HeadlessAsync("family", "name: member");
        string ip = (await ReadyServantAsync("member", "", spec: "hostname: querier, subdomain: family")).Text("status.podIP");
        string full = $"querier.family.{Namespace}.{Domain}";
        Assert.Matches($@"(?m)^{ip.Replace(".", "\\.")}\s+{full}\s+querier$", await RunAsync("member", "cat /etc/hosts"));
        Assert.Equal(full, (await RunAsync("member", "hostname -f")).Trim());
        foreach (string name in (string[])[full, "querier"])
            Assert.Equal(ip, (await RunAsync("member", $"python3 -Ic 'import socket; print(socket.gethostbyname(\"{name}\"))'")).Trim());

        Assert.Equal(ip, await AskAsync("member", full, "A"));
        Assert.Equal(ip, await AskAsync("member", $"family.{Namespace}.{Domain}", "A"));
        string other = await AskerAsync();
        Assert.Equal(ip, await AskAsync(other, full, "A"));
        Assert.Equal(ip, await AskAsync(other, "querier.family", "A", how: "search"));
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] DNS should provide DNS for ExternalName services [Conformance]")]
    public async Task A_Service_that_stands_for_a_name_is_an_alias_as_long_as_it_does()
    {
        await Services.CreateAsync("{metadata: {name: elsewhere}, spec: {type: ExternalName, externalName: foo.example.com}}");
        string asker = await AskerAsync(), name = $"elsewhere.{Namespace}.{Domain}";
        Assert.Equal("foo.example.com.", await AskAsync(asker, name, "CNAME"));
        await Services.ChangeAsync("elsewhere", s => s["spec"]!["externalName"] = "bar.example.com");
        Assert.Equal("bar.example.com.", await AskAsync(asker, name, "CNAME", seen => seen.Contains("bar")));
        var changed = await Services.ChangeAsync("elsewhere", s =>
        {
            s["spec"]!["type"] = "ClusterIP";
            s["spec"]!["ports"] = Objects.Read("[{port: 80, name: http, protocol: TCP}]");
        });
        Assert.Equal(changed.Text("spec.clusterIP"), await AskAsync(asker, name, "A", seen => seen.Contains(changed.Text("spec.clusterIP"))));
    }

    [ServantFact]
    [Trait("Conformance", "[sig-network] DNS should support configurable pod DNS nameservers [Conformance]")]
    public async Task A_Pod_may_name_its_own_name_servers_and_domains()
    {
        await ReadyServantAsync("own", "", spec: "dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1], searches: [resolv.conf.local]}");
        Assert.Equal("search resolv.conf.local\nnameserver 1.1.1.1\n", string.Concat((await RunAsync("own", "cat /etc/resolv.conf")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order().Reverse().Select(l => l + "\n")));
    }
}
