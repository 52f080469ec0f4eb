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
        health.Refused("IPv4");
        Assert.Equal("nftables", health.Figures("/proxyMode")!.Body);
        Assert.Contains("kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv4\"} 1\n", health.Figures("/metrics")!.Body);
        Assert.Null(health.Figures("/elsewhere"));
    }

    [Fact]
    public void How_long_rules_and_changes_take_is_told_for_each_family()
    {
        var health = new ProxyHealth(_time);
        health.Took("IPv4", TimeSpan.FromMilliseconds(3), [_time.GetUtcNow().AddSeconds(-0.4), _time.GetUtcNow().AddMinutes(-10)]);
        health.Took("IPv6", TimeSpan.FromSeconds(1), []);

        string said = health.Figures("/metrics")!.Body;

        foreach (string line in (string[])
        [
            "# TYPE kubeproxy_sync_proxy_rules_duration_seconds histogram", "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.002\"} 0",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.004\"} 1", "kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family=\"IPv4\"} 0.003",
            "kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv6\"} 1", "kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.25\"} 0",
            "kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.5\"} 1", "kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"300\"} 1",
            "kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv4\"} 2", "kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv6\"} 0",
        ])
            Assert.Contains(line + "\n", said);
    }
}
