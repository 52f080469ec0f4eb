using System.Net;
using Hanbae.Kit;
using Hanbae.Proxy.Health;

namespace Hanbae.Proxy.Tests.Health;

/// <summary>The ports of kube-proxy, as a Pod on the host's network asks them.</summary>
public sealed class ProxyListenersTests
{
    readonly List<string> _told = [];

    ProxyOptions Options(int? health, int? metrics) => new()
    {
        NodeName = "here", Table = "t", PolicyTable = "p", PodCidr = "10.244.0.0/16", Health = At(health), Metrics = At(metrics), OnTakenPort = _told.Add,
    };

    static IPEndPoint? At(int? port) => port is { } p ? new(IPAddress.Loopback, p) : null;

    [Fact]
    public async Task Health_and_mode_are_told_and_a_second_cluster_does_without()
    {
        var health = new ProxyHealth(new FakeTime());
        health.Loaded(changesSince: false);
        await using var first = new ProxyListeners(Options(0, 0), health);
        await first.OpenAsync(default);
        using var http = new HttpClient();
        Assert.Contains("lastUpdated", await http.GetStringAsync($"http://localhost:{first.Ports[0]}/healthz"));
        Assert.Equal("nftables", await http.GetStringAsync($"http://localhost:{first.Ports[1]}/proxyMode"));
        Assert.Empty(_told);

        await using var second = new ProxyListeners(Options(first.Ports[0], first.Ports[1]), health);
        await second.OpenAsync(default);
        Assert.Equal(2, _told.Count);
        await using var none = new ProxyListeners(Options(null, null), health);
        await none.OpenAsync(default);
        Assert.Equal((0, 2), (none.Ports.Count, _told.Count));
    }
}
