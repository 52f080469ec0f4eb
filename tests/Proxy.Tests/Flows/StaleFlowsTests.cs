using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Proxy.Flows;
using Hanbae.Proxy.Rules;
using Hanbae.Proxy.Tests.Rules;

namespace Hanbae.Proxy.Tests.Flows;

/// <summary>Which flows are ended, and that the kernel ends just these, in a network namespace of the test's own.</summary>
public sealed class StaleFlowsTests
{
    static readonly HashSet<string> Own = ["192.0.2.1"];
    readonly StaleFlows _flows = new(IpFamily.V4);

    static Service Dns() => new()
    {
        Metadata = new() { Namespace = "default", Name = "dns" },
        Spec = new() { Type = "NodePort", ClusterIP = "10.96.0.10", ClusterIPs = ["10.96.0.10"], ExternalIPs = ["198.51.100.7"], Ports = [new() { Name = "dns", Protocol = "UDP", Port = 53, NodePort = 30053 }] },
        Status = new() { LoadBalancer = new() { Ingress = [new() { Ip = "198.51.100.8", IpMode = "VIP" }, new() { Ip = "198.51.100.9", IpMode = "Proxy" }] } },
    };

    static EndpointSlice Slice(int port, params (string Address, bool Serving)[] endpoints) => new()
    {
        AddressType = "IPv4",
        Ports = [new() { Name = "dns", Protocol = "UDP", Port = port }],
        Endpoints = [.. endpoints.Select(e => new Endpoint { Addresses = [e.Address], Conditions = new() { Ready = false, Serving = e.Serving, Terminating = true } })],
    };

    void Serve(params EndpointSlice[] slices) => _flows.Set(Key.Of(Dns()), Dns(), slices);

    static string Line(string to, int port, string server, int serverPort) =>
        $"udp      17 29 src=203.0.113.9 dst={to} sport=4000 dport={port} src={server} dst=203.0.113.9 sport={serverPort} dport=4000 [ASSURED] mark=0 use=1\n";

    [Theory]
    [InlineData("10.96.0.10", 53, "10.244.0.5", 5353, false)] // serves, though it is ending
    [InlineData("10.96.0.10", 53, "10.244.0.6", 5353, true)] // serves no longer
    [InlineData("10.96.0.10", 53, "10.244.0.5", 53, true)] // another port by now
    [InlineData("10.96.0.10", 53, "10.96.0.10", 53, true)] // begun when nobody served
    [InlineData("198.51.100.7", 53, "10.244.0.6", 5353, true)]
    [InlineData("198.51.100.8", 53, "10.244.0.6", 5353, true)]
    [InlineData("198.51.100.9", 53, "198.51.100.9", 53, false)] // a balancer that answers itself
    [InlineData("192.0.2.1", 30053, "10.244.0.6", 5353, true)]
    [InlineData("8.8.8.8", 30053, "8.8.8.8", 30053, false)] // not a port of this node
    [InlineData("10.96.0.11", 53, "10.244.0.6", 5353, false)] // not our Service
    public void A_flow_is_stale_when_who_answers_it_does_not_serve(string to, int port, string server, int serverPort, bool stale)
    {
        Serve(Slice(5353, ("10.244.0.5", true), ("10.244.0.6", false)));
        Assert.Equal(stale ? [new UdpFlow(to, port, server, serverPort)] : [], _flows.Stale("tcp 6 src=1.1.1.1\n" + Line(to, port, server, serverPort), Own));
    }

    [Theory, InlineData(null, false), InlineData(true, false), InlineData(false, true)]
    public void Who_says_nothing_of_serving_serves(bool? serving, bool stale)
    {
        var slice = Slice(5353, ("10.244.0.5", true));
        Serve(slice with { Endpoints = [slice.Endpoints[0] with { Conditions = new() { Ready = false, Serving = serving } }] });
        Assert.Equal(stale, _flows.Stale(Line("10.96.0.10", 53, "10.244.0.5", 5353), Own).Any());
    }

    [Fact]
    public void A_Service_that_has_gone_is_nobodys_business()
    {
        Serve(Slice(5353, ("10.244.0.5", true)));
        _flows.Set(Key.Of(Dns()), null, []);
        Assert.Empty(_flows.Stale(Line("10.96.0.10", 53, "10.244.0.6", 5353), Own));
    }

    [ConntrackFact]
    public async Task The_kernel_ends_stale_flows_and_no_others()
    {
        string Insert(string to, int port, string server, int serverPort, int sport) =>
            $"conntrack -I -p udp -s 203.0.113.9 -d {to} --sport {sport} --dport {port} --reply-src {server} --reply-dst 203.0.113.9 --reply-port-src {serverPort} --reply-port-dst {sport} -t 300 >/dev/null\n";
        string begun = "set -e\n" + Insert("10.96.0.10", 53, "10.244.0.5", 5353, 4000) + Insert("10.96.0.10", 53, "10.244.0.6", 5353, 4001) + Insert("192.0.2.1", 30053, "10.244.0.6", 5353, 4002)
            + Insert("10.96.0.99", 53, "10.244.0.6", 5353, 4003);
        Serve(Slice(5353, ("10.244.0.5", true)));
        string listing = await KernelFactAttribute.RunAsync(begun + "conntrack -L -p udp -f ipv4");
        var stale = _flows.Stale(listing, Own).ToList();
        Assert.Equal(2, stale.Count);

        string left = await KernelFactAttribute.RunAsync(begun + string.Concat(stale.Select(f => $"conntrack {string.Join(' ', _flows.Ending(f))} >/dev/null\n")) + "conntrack -L -p udp -f ipv4");

        Assert.Equal([4000, 4003], new[] { 4000, 4001, 4002, 4003 }.Where(p => left.Contains($"sport={p} ", StringComparison.Ordinal)));
    }
}

/// <summary>Runs where conntrack can make flows in a namespace of its own; skipped, naming what is missing, elsewhere.</summary>
public sealed class ConntrackFactAttribute : FactAttribute
{
    public ConntrackFactAttribute()
    {
        try { KernelFactAttribute.RunAsync("conntrack -L").GetAwaiter().GetResult(); }
        catch (Exception e) { Skip = "needs root, unshare and conntrack: " + e.Message; }
    }
}
