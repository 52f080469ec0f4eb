using System.Net;
using Hanbae.Kit;
using Hanbae.Proxy.Health;

namespace Hanbae.Proxy.Tests.Health;

/// <summary>The ports of kube-proxy, as a Pod on the host's network asks them.</summary>
public sealed class ProxyListenersTests
{
    static ProxyOptions Options(int? health, int? metrics) => new() { NodeName = "here", Table = "t", PolicyTable = "p", PodCidr = "10.244.0.0/16", Health = At(health), Metrics = At(metrics) };

    static IPEndPoint? At(int? port) => port is { } p ? new(IPAddress.Loopback, p) : null;

    [Fact]
    public async Task Health_and_mode_are_told_and_a_second_cluster_does_without()
    {
        var health = new ProxyHealth(new FakeTime());
        health.Loaded(changesSince: false);
        List<string> told = [];
        await using var first = new ProxyListeners(Options(0, 0), health, told.Add);
        await first.OpenAsync(default);
        using var http = new HttpClient();
        Assert.Contains("lastUpdated", await http.GetStringAsync($"http://localhost:{first.Ports[0]}/healthz"));
        Assert.Equal("nftables", await http.GetStringAsync($"http://localhost:{first.Ports[1]}/proxyMode"));
        Assert.Empty(told);

        await using var second = new ProxyListeners(Options(first.Ports[0], first.Ports[1]), health, told.Add);
        await second.OpenAsync(default);
        Assert.Equal(2, told.Count);
        await using var none = new ProxyListeners(Options(null, null), health, told.Add);
        await none.OpenAsync(default);
        Assert.Equal((0, 2), (none.Ports.Count, told.Count));
    }
}
