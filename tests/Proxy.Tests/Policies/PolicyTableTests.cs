using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Proxy.Policies;
using Hanbae.Proxy.Rules;
using Hanbae.Proxy.Tests.Rules;

namespace Hanbae.Proxy.Tests.Policies;

/// <summary>Which sets and chains policies become, and that they follow what changes.</summary>
public sealed class PolicyTableTests
{
    readonly PolicyTable _table = new(IpFamily.V4, "here");

    static Pod Pod(string name, string address, string app, string ns = "x", string node = "here", bool host = false, string phase = "Running", params ContainerPort[] ports) => new()
    {
        Metadata = new() { Namespace = ns, Name = name, Labels = Map.Of(("app", app)) },
        Spec = new() { NodeName = node, HostNetwork = host, Containers = [new() { Name = "c", Ports = [.. ports] }] },
        Status = new() { Phase = phase, PodIP = address, PodIPs = [new() { Ip = address }] },
    };

    static ContainerPort Named(string name, int number, string protocol = "TCP") => new() { Name = name, ContainerPortValue = number, Protocol = protocol };

    static LabelSelector Label(string value, string key = "app") => new() { MatchLabels = Map.Of((key, value)) };

    static NetworkPolicy Policy(NetworkPolicySpec spec, string name = "p", string ns = "x") => new() { Metadata = new() { Namespace = ns, Name = name }, Spec = spec };

    static NetworkPolicySpec Ingress(string app, params NetworkPolicyIngressRule[] rules) => new() { PodSelector = app.Length == 0 ? new() : Label(app), PolicyTypes = ["Ingress"], Ingress = [.. rules] };

    static NetworkPolicySpec Egress(string app, params NetworkPolicyEgressRule[] rules) => new() { PodSelector = app.Length == 0 ? new() : Label(app), PolicyTypes = ["Egress"], Egress = [.. rules] };

    void Set(params Pod[] pods) { foreach (var pod in pods) _table.SetPod(Key.Of(pod), pod); }
    void Set(params NetworkPolicy[] policies) { foreach (var policy in policies) _table.SetPolicy(Key.Of(policy), policy); }

    static readonly Dictionary<string, NetworkPolicyPort> s_ports = new()
    {
        ["80"] = new() { Protocol = "TCP", Port = 80 }, ["81"] = new() { Protocol = "TCP", Port = 81 }, ["90-100"] = new() { Protocol = "TCP", Port = 90, EndPort = 100 },
        ["95-120"] = new() { Protocol = "TCP", Port = 95, EndPort = 120 }, ["53/UDP"] = new() { Protocol = "UDP", Port = 53 }, ["7/SCTP"] = new() { Protocol = "SCTP", Port = 7 }, ["UDP"] = new() { Protocol = "UDP" },
    };

    [Theory]
    [InlineData("", "accept")]
    [InlineData("80", "meta l4proto tcp th dport { 80 } accept")]
    [InlineData("81 80", "meta l4proto tcp th dport { 80-81 } accept")]
    [InlineData("90-100 95-120 80", "meta l4proto tcp th dport { 80, 90-120 } accept")]
    [InlineData("53/UDP 80", "meta l4proto tcp th dport { 80 } accept|meta l4proto udp th dport { 53 } accept")]
    [InlineData("7/SCTP", "meta l4proto sctp th dport { 7 } accept")]
    [InlineData("53/UDP UDP", "meta l4proto udp accept")]
    public void Ports_are_ranges_of_a_protocol(string ports, string rules) =>
        Assert.Equal(rules, string.Join('|', PolicyRules.For(Policy(Ingress("", new NetworkPolicyIngressRule { Ports = [.. ports.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => s_ports[p])] })), IpFamily.V4).Ingress!.Rules));

    [Theory]
    [InlineData("10.1.2.3/8", "", "ip saddr 10.0.0.0/8 accept")]
    [InlineData("10.0.0.0/8", "10.1.0.0/16 10.1.2.0/24", "ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 ip saddr != 10.1.2.0/24 accept")]
    [InlineData("0.0.0.0/0", "", "ip saddr 0.0.0.0/0 accept")]
    [InlineData("fd00::/8", "", "")]
    public void Ranges_of_addresses_are_those_of_the_family_without_exceptions(string cidr, string except, string rules) =>
        Assert.Equal(rules, string.Join('|', PolicyRules.For(Policy(Ingress("", new NetworkPolicyIngressRule { From = [new() { IpBlock = new() { Cidr = cidr, Except = [.. except.Split(' ', StringSplitOptions.RemoveEmptyEntries)] } }] })), IpFamily.V4).Ingress!.Rules));

    [Fact]
    public void Only_Pods_of_this_node_with_an_address_of_their_own_are_led_to_policies()
    {
        Set(Pod("a", "10.244.0.5", "web"), Pod("b", "10.244.1.5", "web", node: "there"), Pod("c", "192.0.2.1", "web", host: true), Pod("d", "10.244.0.6", "web", phase: "Succeeded"), Pod("e", "10.244.0.7", "db"), Pod("f", "10.244.0.8", "web", ns: "y"));
        Set(Policy(Ingress("web")));

        var rules = _table.Build();

        Assert.Equal("10.244.0.5", Assert.Single(rules.Maps["ingress-pods"].Elements).Key);
        Assert.Empty(rules.Maps["egress-pods"].Elements);
        Assert.Equal("10.244.0.5 . 10.244.0.5", Assert.Single(rules.Maps["own"].Elements).Key);
        Assert.Equal(["jump " + PolicyRules.IngressChain(new("x", "p")), "drop"], Led("ingress-pods", "10.244.0.5"));
        Assert.Empty(rules.Chains[PolicyRules.IngressChain(new("x", "p"))].Rules);
    }

    IEnumerable<string> Led(string map, string address) => _table.Build() is var rules ? rules.Chains[rules.Maps[map].Elements[address]["goto ".Length..]].Rules : [];

    [Fact]
    public void What_may_be_sent_is_still_asked_whether_it_may_be_received() =>
        Assert.Equal("goto ingress", Assert.Single(PolicyRules.For(Policy(Egress("", new NetworkPolicyEgressRule())), IpFamily.V4).Egress!.Rules));

    [Fact]
    public void Pods_that_the_same_policies_select_share_a_chain_and_those_of_several_ask_each()
    {
        Set(Pod("a", "10.244.0.5", "web"), Pod("b", "10.244.0.6", "web"), Pod("c", "10.244.0.7", "db"));
        Set(Policy(Ingress("web"), "web"), Policy(Ingress(""), "all"), Policy(Egress("db"), "out"));

        var byAddress = _table.Build().Maps["ingress-pods"].Elements;

        Assert.Equal(byAddress["10.244.0.5"], byAddress["10.244.0.6"]);
        Assert.Equal(["jump " + PolicyRules.IngressChain(new("x", "all")), "jump " + PolicyRules.IngressChain(new("x", "web")), "drop"], Led("ingress-pods", "10.244.0.5"));
        Assert.Equal(["jump " + PolicyRules.IngressChain(new("x", "all")), "drop"], Led("ingress-pods", "10.244.0.7"));
        Assert.Equal(["10.244.0.7"], _table.Build().Maps["egress-pods"].Elements.Keys);
    }

    /// <summary>Addresses of the peers that the only rule of policy p asks for.</summary>
    string Peers() => _table.Build() is var rules && rules.Chains[PolicyRules.IngressChain(new("x", "p"))].Rules.Single() is var rule
        ? string.Join(' ', rules.Maps[rule.Split('@')[1].Split(' ')[0]].Elements.Keys) : "";

    [Theory]
    [InlineData("", "web", "10.0.0.1")]
    [InlineData("", "*", "10.0.0.1 10.0.0.2")]
    [InlineData("team=a", "", "10.0.0.1 10.0.0.2")]
    [InlineData("team=b", "", "10.0.0.3 10.0.0.4")]
    [InlineData("team=b", "web", "10.0.0.3")]
    [InlineData("*", "web", "10.0.0.1 10.0.0.3")]
    [InlineData("*", "", "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4")]
    [InlineData("team=c", "", "")]
    public void Peers_are_Pods_of_the_own_namespace_or_of_those_selected(string namespaces, string pods, string addresses)
    {
        _table.SetNamespace("x", Map.Of(("team", "a")));
        _table.SetNamespace("y", Map.Of(("team", "b")));
        Set(Pod("a", "10.0.0.1", "web"), Pod("b", "10.0.0.2", "db", node: "there"), Pod("a", "10.0.0.3", "web", ns: "y", node: "there"), Pod("b", "10.0.0.4", "db", ns: "y"), Pod("h", "192.0.2.1", "web", host: true));
        Set(Policy(Ingress("", new NetworkPolicyIngressRule { From = [new() { NamespaceSelector = Of(namespaces, "team"), PodSelector = Of(pods, "app") }] })));

        Assert.Equal(addresses, Peers());

        static LabelSelector? Of(string text, string key) => text.Length == 0 ? null : text == "*" ? new() : Label(text[(text.IndexOf('=') + 1)..], key);
    }

    [Fact]
    public void Peers_follow_labels_of_Pods_and_of_namespaces()
    {
        _table.SetNamespace("y", Map.Of(("team", "a")));
        Set(Pod("a", "10.0.0.1", "web", ns: "y"), Pod("b", "10.0.0.2", "db", ns: "y"));
        Set(Policy(Ingress("", new NetworkPolicyIngressRule { From = [new() { NamespaceSelector = Label("a", "team"), PodSelector = Label("web") }] })));
        Assert.Equal("10.0.0.1", Peers());

        Set(Pod("b", "10.0.0.2", "web", ns: "y"));
        Assert.Equal("10.0.0.1 10.0.0.2", Peers());
        _table.SetNamespace("y", Map.Of(("team", "b")));
        Assert.Equal("", Peers());
        _table.SetNamespace("y", Map.Of(("team", "a")));
        _table.SetPod(new("y", "a"), null);
        Assert.Equal("10.0.0.2", Peers());
        // An address goes over to another Pod before the first is known to be gone.
        Set(Pod("c", "10.0.0.2", "web", ns: "y"));
        _table.SetPod(new("y", "b"), null);
        Assert.Equal("10.0.0.2", Peers());
    }

    [Fact]
    public void A_port_by_name_is_the_number_that_each_Pod_says()
    {
        Set(Pod("a", "10.0.0.1", "web", ports: [Named("serve", 80), Named("dns", 53, "UDP")]), Pod("b", "10.0.0.2", "web", ports: [Named("serve", 8080)]), Pod("c", "10.0.0.3", "web", ports: [Named("serve", 7, "UDP")]));
        Set(Policy(Ingress("", new NetworkPolicyIngressRule { Ports = [new() { Protocol = "TCP", Port = "serve" }] })));

        Assert.Equal("10.0.0.1 . tcp . 80 10.0.0.2 . tcp . 8080", Peers());
        Set(Pod("b", "10.0.0.2", "web", ports: [Named("other", 8080)]));
        Assert.Equal("10.0.0.1 . tcp . 80", Peers());
    }

    [Fact]
    public void A_Pod_that_changes_touches_only_the_elements_that_it_is()
    {
        for (int i = 0; i < 50; i++) Set(Pod("p" + i, "10.0.1." + i, "web"));
        for (int i = 0; i < 20; i++) Set(Policy(Ingress("web", new NetworkPolicyIngressRule { From = [new() { PodSelector = Label("client" + i) }] }), "p" + i));
        var before = _table.Build();
        Set(Pod("new", "10.0.2.1", "client7"));

        string commands = RulesetDiff.Commands("ip t", before, _table.Build());

        Assert.Equal($"add element ip t {PeerScope.Of("x", null, Label("client7")).Set} {{ 10.0.2.1 }}\n", commands);
        Assert.Equal("", RulesetDiff.Commands("ip t", _table.Build(), _table.Build()));
    }

    [Fact]
    public void Nothing_is_left_of_what_is_gone()
    {
        var empty = _table.Build();
        _table.SetNamespace("x", Map.Of(("team", "a")));
        Set(Pod("a", "10.0.0.1", "web", ports: [Named("serve", 80)]), Pod("b", "10.0.0.2", "db"));
        Set(Policy(Ingress("", new NetworkPolicyIngressRule { From = [new() { NamespaceSelector = new() }], Ports = [new() { Protocol = "TCP", Port = "serve" }] })), Policy(Egress("web"), "out"));
        Assert.NotEqual("", RulesetDiff.Commands("ip t", empty, _table.Build()));
        foreach (string name in (string[])["p", "out"]) _table.SetPolicy(new("x", name), null);

        Assert.Equal("", RulesetDiff.Commands("ip t", empty, _table.Build()));
    }

    /// <summary>The kernel after many changes one by one has what it has when the end is loaded at once.</summary>
    [KernelFact]
    public async Task The_kernel_takes_each_step_and_ends_with_what_was_asked()
    {
        var random = new Random(1);
        string[] apps = ["web", "db", "cache"];
        string script = "set -e\n";
        Ruleset? loaded = null;
        foreach (var family in (IpFamily[])[IpFamily.V4, IpFamily.V6])
        {
            var table = new PolicyTable(family, "here");
            loaded = null;
            for (int i = 0; i < 60; i++)
            {
                Change(table, family == IpFamily.V4 ? "10.0.0." : "fd00::", random);
                var step = table.Build();
                script += $"nft -f - <<'END'\n{RulesetDiff.Commands(family.Table + " hanbae_test", loaded, step)}END\n";
                loaded = step;
            }
            string name = family.Table + " hanbae_test";
            string grown = await KernelFactAttribute.RunAsync(script + "nft list table " + name);
            string fresh = await KernelFactAttribute.RunAsync($"nft -f - <<'END'\n{RulesetDiff.Commands(name, null, loaded!)}END\nnft list table {name}");

            Assert.Equal(Lines(fresh), Lines(grown));
            Assert.Contains("vmap @egress-pods", grown);
            script = "set -e\n";
        }

        void Change(PolicyTable table, string prefix, Random random)
        {
            string ns = random.Next(2) == 0 ? "x" : "y", name = "o" + random.Next(6);
            switch (random.Next(5))
            {
                case 0: table.SetNamespace(ns, Map.Of(("team", "t" + random.Next(2)))); break;
                case 1: table.SetPod(new(ns, name), null); break;
                case 2:
                    table.SetPod(new(ns, name), Pod(name, prefix + (ns == "x" ? "1" : "2") + name[1..], apps[random.Next(3)], ns, random.Next(3) == 0 ? "there" : "here", ports: [Named("serve", 80 + random.Next(3))]));
                    break;
                case 3: table.SetPolicy(new(ns, name), null); break;
                default:
                    NetworkPolicyPeer peer = random.Next(3) switch
                    {
                        0 => new() { NamespaceSelector = Label("t0", "team"), PodSelector = Label(apps[random.Next(3)]) },
                        1 => new() { PodSelector = Label(apps[random.Next(3)]) },
                        _ => new() { IpBlock = prefix[0] == 'f' ? new() { Cidr = "fd00::/16", Except = ["fd00::1/128", "fd00::/120"] } : new() { Cidr = "10.0.0.0/8", Except = ["10.1.0.0/16", "10.1.2.0/24"] } },
                    };
                    Seq<NetworkPolicyPort> ports = random.Next(3) switch { 0 => [], 1 => [new() { Protocol = "TCP", Port = "serve" }, s_ports["7/SCTP"]], _ => [s_ports["80"], s_ports["90-100"], s_ports["UDP"]] };
                    var policy = Policy(new() { PodSelector = Label(apps[random.Next(3)]), PolicyTypes = ["Ingress", "Egress"], Ingress = [new() { From = [peer], Ports = ports }], Egress = [new() { To = [peer], Ports = ports }, new() { To = [peer] }] }, name, ns);
                    table.SetPolicy(Key.Of(policy), policy);
                    break;
            }
        }
    }

    static IEnumerable<string> Lines(string listing) => listing.Replace(", ", "\n", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal)
        .Replace("elements = { ", "elements = {\n", StringComparison.Ordinal).Replace(" }", "\n}", StringComparison.Ordinal).Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0).Order(StringComparer.Ordinal);
}
