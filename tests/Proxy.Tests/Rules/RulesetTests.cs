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

    [Fact]
    public void A_local_policy_drops_what_only_other_nodes_serve_and_keeps_the_clients_address()
    {
        var elsewhere = Rules(Web("NodePort", external: "Local"), Slice(("10.244.1.5", "there", true)));
        var here = Rules(Web("NodePort", external: "Local"), Slice(("10.244.0.5", "here", true)));

        Assert.Equal("drop", elsewhere.Maps["unserved-nodeports"].Elements["tcp . 30080"]);
        string chain = here.Maps["service-nodeports"].Elements["tcp . 30080"]["goto ".Length..];
        Assert.DoesNotContain(here.Chains[chain].Rules, r => r.Contains("masquerade", StringComparison.Ordinal));
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
