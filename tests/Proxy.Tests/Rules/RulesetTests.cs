using System.Diagnostics;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Tests.Rules;

/// <summary>Rulesets as text, and as the kernel takes them in a network namespace of the test's own.</summary>
public sealed class RulesetTests
{
    static Service Web(string type = "ClusterIP", string affinity = "None", string external = "Cluster") => new()
    {
        Metadata = new() { Namespace = "default", Name = "web" },
        Spec = new()
        {
            Type = type, ClusterIP = "10.96.0.20", ClusterIPs = ["10.96.0.20"], SessionAffinity = affinity, ExternalTrafficPolicy = type == "ClusterIP" ? "" : external,
            Ports = [new() { Name = "http", Protocol = "TCP", Port = 80, TargetPort = 8080, NodePort = type == "ClusterIP" ? 0 : 30080 }],
        },
    };

    static EndpointSlice Slice(params (string Address, string Node, bool Ready)[] endpoints) => new()
    {
        AddressType = "IPv4",
        Ports = [new() { Name = "http", Protocol = "TCP", Port = 8080 }],
        Endpoints = [.. endpoints.Select(e => new Endpoint { Addresses = [e.Address], NodeName = e.Node, Conditions = new() { Ready = e.Ready } })],
    };

    static Ruleset Rules(Service service, params EndpointSlice[] slices)
    {
        var table = new ServiceTable(IpFamily.V4, "here", "10.244.0.0/16");
        table.Set(Hanbae.Api.Key.Of(service), service, slices);
        return table.Build();
    }

    [Fact]
    public void A_cluster_ip_is_spread_over_ready_endpoints_only()
    {
        var rules = Rules(Web(), Slice(("10.244.0.5", "here", true), ("10.244.0.6", "there", true), ("10.244.0.7", "here", false)));

        string chain = Assert.Single(rules.Maps["service-ips"].Elements).Value["goto ".Length..];
        Assert.Equal("10.96.0.20 . tcp . 80", rules.Maps["service-ips"].Elements.Single().Key);
        Assert.Contains("numgen random mod 2", rules.Chains[chain].Rules[^1]);
        Assert.Equal(2, rules.Chains.Keys.Count(k => k.StartsWith("ep-", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_service_without_endpoints_refuses_at_once()
    {
        var rules = Rules(Web("NodePort"));

        Assert.Equal("goto refuse", rules.Maps["unserved-ips"].Elements["10.96.0.20 . tcp . 80"]);
        Assert.Equal("goto refuse", rules.Maps["unserved-nodeports"].Elements["tcp . 30080"]);
        Assert.Empty(rules.Maps["service-ips"].Elements);
    }

    [Theory, InlineData("service.kubernetes.io/headless"), InlineData("service.kubernetes.io/service-proxy-name")]
    public void A_service_is_served_or_not_as_a_label_comes_and_goes(string label)
    {
        var table = new ServiceTable(IpFamily.V4, "here", "10.244.0.0/16");
        var labelled = Web() with { Metadata = Web().Metadata with { Labels = Hanbae.Api.Map.Of((label, "")) } };
        foreach (var (service, served) in new[] { (Web(), 1), (labelled, 0), (Web(), 1) })
        {
            table.Set(Hanbae.Api.Key.Of(service), service, [Slice(("10.244.0.5", "here", true))]);
            Assert.Equal(served, table.Build().Maps["service-ips"].Elements.Count);
        }
    }

    [Fact]
    public void Packets_of_Pods_that_belong_to_no_connection_are_dropped_before_anything_else_is_asked() =>
        Assert.Equal(["ct state invalid ip saddr 10.244.0.0/16 drop", "ct state invalid ip daddr 10.244.0.0/16 drop"], Rules(Web()).Chains["filter-forward"].Rules.Take(2));

    static string Chain(Ruleset rules, string map, string key) => rules.Maps[map].Elements[key]["goto ".Length..];

    [Fact]
    public void A_local_policy_leads_this_nodes_own_everywhere_and_clients_from_outside_only_to_its_own_Pods()
    {
        var elsewhere = Rules(Web("NodePort", external: "Local"), Slice(("10.244.1.5", "there", true)));
        var here = Rules(Web("NodePort", external: "Local"), Slice(("10.244.0.5", "here", true), ("10.244.1.5", "there", true)));

        Assert.Equal("drop", elsewhere.Maps["unserved-nodeports"].Elements["tcp . 30080"]);
        Assert.Empty(here.Maps["unserved-nodeports"].Elements);
        string all = Chain(here, "service-ips", "10.96.0.20 . tcp . 80"), outside = Chain(here, "service-nodeports", "tcp . 30080");
        string[] own = ["ip saddr 10.244.0.0/16 goto " + all, "fib saddr type local jump mark-masquerade", "fib saddr type local goto " + all];
        Assert.Equal(string.Join('|', own), string.Join('|', elsewhere.Chains[outside].Rules));
        Assert.Equal(string.Join('|', [.. own, "goto " + all.Replace("svc-", "svl-", StringComparison.Ordinal)]), string.Join('|', here.Chains[outside].Rules));
        Assert.Contains("numgen random mod 2", here.Chains[all].Rules[^1]);
        Assert.StartsWith("goto ep-", here.Chains[all.Replace("svc-", "svl-", StringComparison.Ordinal)].Rules[^1]);
    }

    [Fact]
    public void An_internal_local_policy_keeps_cluster_IPs_on_the_node_and_leaves_outside_addresses_alone()
    {
        var service = Web("NodePort") with { Spec = Web("NodePort").Spec with { InternalTrafficPolicy = "Local" } };

        var elsewhere = Rules(service, Slice(("10.244.1.5", "there", true)));

        Assert.Equal("drop", elsewhere.Maps["unserved-ips"].Elements["10.96.0.20 . tcp . 80"]);
        Assert.Equal("jump mark-masquerade", elsewhere.Chains[Chain(elsewhere, "service-nodeports", "tcp . 30080")].Rules[0]);
        Assert.StartsWith("svl-", Chain(Rules(service, Slice(("10.244.0.5", "here", true))), "service-ips", "10.96.0.20 . tcp . 80"));
    }

    static Service Balanced(params string[] ranges) => Web("LoadBalancer") with
    {
        Spec = Web("LoadBalancer").Spec with { ExternalIPs = ["192.0.2.7"], LoadBalancerSourceRanges = [.. ranges] },
        Status = new() { LoadBalancer = new() { Ingress = [new() { Ip = "192.0.2.9" }, new() { Ip = "192.0.2.10", IpMode = "Proxy" }, new() { Ip = "2001:db8::9" }] } },
    };

    [Theory]
    [InlineData("", "", "")]
    [InlineData("10.0.0.0/8 172.16.0.0/12", "", "ip saddr 10.0.0.0/8 return|ip saddr 172.16.0.0/12 return|drop")]
    [InlineData("10.0.0.0/8 2001:db8::/32", "10.1.1.1", "ip saddr 10.0.0.0/8 return|ip saddr 192.0.2.9 return|drop")]
    [InlineData("2001:db8::/32", "", "")]
    public void Source_ranges_restrict_addresses_of_load_balancers_only(string ranges, string node, string rules)
    {
        var table = new ServiceTable(IpFamily.V4, "here", "10.244.0.0/16") { Here = new("here", "", node.Length == 0 ? [] : [node]) };
        var service = Balanced(ranges.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        table.Set(Hanbae.Api.Key.Of(service), service, [Slice(("10.244.0.5", "here", true))]);
        var built = table.Build();

        Assert.Equal(["10.96.0.20 . tcp . 80", "192.0.2.7 . tcp . 80", "192.0.2.9 . tcp . 80"], built.Maps["service-ips"].Elements.Keys);
        Assert.Equal(rules.Length == 0 ? [] : ["192.0.2.9 . tcp . 80"], built.Maps["restricted-ips"].Elements.Keys);
        if (rules.Length > 0) Assert.Equal(rules, string.Join('|', built.Chains[Chain(built, "restricted-ips", "192.0.2.9 . tcp . 80")].Rules));
    }

    static ServiceTable Both(Service one, Service other)
    {
        var table = new ServiceTable(IpFamily.V4, "here", "10.244.0.0/16");
        foreach (var service in new[] { one, other }) table.Set(Hanbae.Api.Key.Of(service), service, [Slice(("10.244.0.5", "here", true))]);
        return table;
    }

    static Service Named(string name, int day, Service service) => service with
    {
        Metadata = service.Metadata with { Name = name, CreationTimestamp = new(2030, 1, day, 0, 0, 0, TimeSpan.Zero) },
        Spec = service.Spec with { ClusterIP = "10.96.0." + day, ClusterIPs = ["10.96.0." + day] },
    };

    [Theory, InlineData("a", "b"), InlineData("b", "a")]
    public void An_address_that_two_Services_name_is_the_olders_whatever_it_is_called(string older, string newer)
    {
        // The newer's clients are no matter of the older's.
        var (first, second) = (Named(older, 1, Balanced()), Named(newer, 2, Balanced("10.0.0.0/8")));
        var alone = Both(first, first).Build();
        foreach (var built in new[] { Both(first, second).Build(), Both(second, first).Build() })
        {
            Assert.Equal(Chain(alone, "service-ips", "192.0.2.9 . tcp . 80"), Chain(built, "service-ips", "192.0.2.9 . tcp . 80"));
            Assert.Empty(built.Maps["restricted-ips"].Elements);
            Assert.Contains("10.96.0.2 . tcp . 80", built.Maps["service-ips"].Elements.Keys);
        }
        var gone = Both(first, second);
        gone.Set(Hanbae.Api.Key.Of(first), null, []);
        Assert.Equal(["192.0.2.9 . tcp . 80"], gone.Build().Maps["restricted-ips"].Elements.Keys);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Nobody_takes_anothers_cluster_IP_by_naming_it(bool served)
    {
        var dns = Named("dns", 2, Web());
        var thief = Named("a", 1, Web());
        thief = thief with { Spec = thief.Spec with { ExternalIPs = ["10.96.0.2"] } };
        var table = Both(thief, dns);
        if (!served) table.Set(Hanbae.Api.Key.Of(dns), dns, []);
        var built = table.Build();
        if (served) Assert.StartsWith("svc-", Chain(built, "service-ips", "10.96.0.2 . tcp . 80"));
        else Assert.DoesNotContain("10.96.0.2 . tcp . 80", built.Maps["service-ips"].Elements.Keys);
        Assert.Equal(served, !built.Maps["unserved-ips"].Elements.ContainsKey("10.96.0.2 . tcp . 80"));
    }

    [Fact]
    public void How_long_a_client_is_remembered_can_be_changed()
    {
        var slice = Slice(("10.244.0.5", "here", true), ("10.244.0.6", "there", true));
        Service For(int seconds) => Web(affinity: "ClientIP") with { Spec = Web(affinity: "ClientIP").Spec with { SessionAffinityConfig = new() { ClientIP = new() { TimeoutSeconds = seconds } } } };

        string commands = RulesetDiff.Commands("ip t", Rules(For(60), slice), Rules(For(5), slice));

        Assert.Equal(2, commands.Split('\n').Count(l => l.StartsWith("add set", StringComparison.Ordinal) && l.Contains("timeout 5s", StringComparison.Ordinal)));
        Assert.Equal(2, commands.Split('\n').Count(l => l.StartsWith("delete set", StringComparison.Ordinal)));
        Assert.Equal("", RulesetDiff.Commands("ip t", Rules(For(60), slice), Rules(For(60), slice)));
    }

    [Fact]
    public void A_port_of_a_cluster_IP_that_no_Service_has_is_refused()
    {
        Assert.Equal("10.96.0.20", Assert.Single(Rules(Web()).Maps["cluster-ips"].Elements).Key);
        foreach (string chain in (string[])["filter-forward", "filter-output-led"]) Assert.Equal("ct state new ip daddr @cluster-ips reject", Rules(Web()).Chains[chain].Rules[^1]);
    }

    [Fact]
    public void A_change_of_one_service_touches_only_its_own_rules()
    {
        var table = new ServiceTable(IpFamily.V4, "here", "10.244.0.0/16");
        for (int i = 0; i < 50; i++)
        {
            var other = Web() with { Metadata = new() { Namespace = "default", Name = "s" + i }, Spec = Web().Spec with { ClusterIP = "10.96.1." + i, ClusterIPs = ["10.96.1." + i] } };
            table.Set(Hanbae.Api.Key.Of(other), other, [Slice(("10.244.0.5", "here", true))]);
        }
        var before = table.Build();
        table.Set(new("default", "web"), Web(), [Slice(("10.244.0.9", "here", true))]);

        string commands = RulesetDiff.Commands("ip t", before, table.Build());

        Assert.InRange(commands.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 1, 10);
        Assert.DoesNotContain("10.96.1.", commands);
        Assert.Equal("", RulesetDiff.Commands("ip t", table.Build(), table.Build()));
    }

    [KernelFact]
    public async Task The_kernel_takes_each_step_and_ends_with_what_was_asked()
    {
        var steps = new Ruleset[]
        {
            Rules(Web("NodePort", "ClientIP"), Slice(("10.244.0.5", "here", true), ("10.244.0.6", "there", true))),
            Rules(Web("NodePort", "ClientIP"), Slice(("10.244.0.6", "there", true))),
            Rules(Web()),
            Rules(Balanced("10.0.0.0/8", "10.1.0.0/16"), Slice(("10.244.0.5", "here", true))),
            Rules(Web("LoadBalancer", external: "Local"), Slice(("10.244.0.6", "there", true))),
            Rules(Web("LoadBalancer", external: "Local"), Slice(("10.244.0.5", "here", true))),
        };
        string script = "set -e\n";
        Ruleset? loaded = null;
        foreach (var step in steps)
        {
            script += $"nft -f - <<'END'\n{RulesetDiff.Commands("ip hanbae_test", loaded, step)}END\n";
            loaded = step;
        }
        string grown = await KernelFactAttribute.RunAsync(script + "nft list table ip hanbae_test");
        string fresh = await KernelFactAttribute.RunAsync($"nft -f - <<'END'\n{RulesetDiff.Commands("ip hanbae_test", null, steps[^1])}END\nnft list table ip hanbae_test");

        Assert.Equal(Lines(fresh), Lines(grown));
        Assert.Contains("dnat to 10.244.0.5:8080", grown);
    }

    static IEnumerable<string> Lines(string listing) => listing.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0).Order(StringComparer.Ordinal);
}

/// <summary>Runs where nft can load rules into a namespace of its own; skipped, naming what is missing, elsewhere.</summary>
public sealed class KernelFactAttribute : FactAttribute
{
    public KernelFactAttribute()
    {
        try { RunAsync("nft list tables").GetAwaiter().GetResult(); }
        catch (Exception e) { Skip = "needs root, unshare and nft: " + e.Message; }
    }

    public static async Task<string> RunAsync(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("unshare", ["--net", "sh", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = shell.StandardError.ReadToEndAsync();
        string output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return shell.ExitCode == 0 ? output : throw new InvalidOperationException(await error);
    }
}
