using Hanbae.Api.Core.V1;
using Hanbae.Kit;
using Hanbae.Proxy.Health;

namespace Hanbae.Proxy.Tests.Health;

/// <summary>What is said on kube-proxy's own ports.</summary>
public sealed class ProxyHealthTests
{
    readonly FakeTime _time = new();

    [Fact]
    public void Rules_that_keep_up_are_well_and_those_that_wait_for_minutes_are_not()
    {
        var health = new ProxyHealth(_time);
        Assert.Equal(503, health.Health("/healthz")!.Code);
        health.Loaded(changesSince: false);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(200, health.Health("/healthz")!.Code);
        Assert.Contains("\"lastUpdated\": \"", health.Health("/healthz")!.Body);

        health.Changed();
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(200, health.Health("/healthz")!.Code);
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal((503, 503), (health.Health("/healthz")!.Code, health.Health("/livez")!.Code));
        health.Loaded(changesSince: false);
        Assert.Equal(200, health.Health("/healthz")!.Code);
    }

    [Fact]
    public void A_node_that_is_to_go_is_sent_no_more_traffic_and_lives_all_the_same()
    {
        var health = new ProxyHealth(_time);
        health.Loaded(changesSince: false);
        foreach (var going in new Node[]
        {
            new() { Metadata = new() { Name = "here", DeletionTimestamp = _time.GetUtcNow() } },
            new() { Metadata = new() { Name = "here" }, Spec = new() { Taints = [new() { Key = "ToBeDeletedByClusterAutoscaler", Effect = "NoSchedule" }] } },
        })
        {
            health.Sees(going);
            Assert.Equal((503, 200), (health.Health("/healthz")!.Code, health.Health("/livez")!.Code));
            Assert.Contains("\"nodeEligible\": false", health.Health("/healthz")!.Body);
        }
        health.Sees(new() { Metadata = new() { Name = "here" } });
        Assert.Equal(200, health.Health("/healthz")!.Code);
    }

    [Fact]
    public void The_port_for_figures_names_the_mode_and_counts_failures()
    {
        var health = new ProxyHealth(_time);
        health.Failed();
        Assert.Equal("nftables", health.Figures("/proxyMode")!.Body);
        Assert.Contains("kubeproxy_sync_proxy_rules_nftables_sync_failures_total 1\n", health.Figures("/metrics")!.Body);
        Assert.Null(health.Figures("/elsewhere"));
    }
}
