using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Kit;
using Hanbae.Proxy.Health;

namespace Hanbae.Proxy.Tests.Health;

/// <summary>What load balancers hear of a node, over HTTP as they ask it.</summary>
public sealed class ServiceHealthTests
{
    static readonly Key Web = new("shop", "web");

    static EndpointSlice Slice(params (string Address, string Node, bool? Ready)[] endpoints) => new()
    {
        AddressType = "IPv4",
        Endpoints = [.. endpoints.Select(e => new Endpoint { Addresses = [e.Address], NodeName = e.Node, Conditions = new() { Ready = e.Ready, Serving = true } })],
    };

    [Fact]
    public void Ready_Pods_of_this_node_count_each_once_and_those_that_are_ending_do_not()
    {
        var service = new Service { Spec = new() { IpFamilies = ["IPv4"] } };
        Assert.Equal(2, ServiceHealth.Local(service,
            [Slice(("10.0.0.1", "here", true), ("10.0.0.2", "there", true), ("10.0.0.3", "here", false)), Slice(("10.0.0.1", "here", true), ("10.0.0.4", "here", null))], "here"));
    }

    [Fact]
    public async Task The_port_says_whether_there_are_Pods_here_and_closes_with_the_Service()
    {
        var health = new ProxyHealth(new FakeTime());
        health.Loaded(changesSince: false);
        await using var ports = new ServiceHealth("here", health, null);
        using var http = new HttpClient();
        await ports.SetAsync(Web, 0, 2, default);
        int port = ports.PortOf(Web);

        using (var well = await http.GetAsync($"http://127.0.0.1:{port}/healthz"))
        {
            Assert.Equal(200, (int)well.StatusCode);
            Assert.Equal("2", Assert.Single(well.Headers.GetValues("X-Load-Balancing-Endpoint-Weight")));
            Assert.Equal("{\n\t\"service\": {\"namespace\": \"shop\",\"name\": \"web\"},\n\t\"localEndpoints\": 2,\n\t\"serviceProxyHealthy\": true\n}", await well.Content.ReadAsStringAsync());
        }
        await ports.SetAsync(Web, 0, 0, default);
        using (var none = await http.GetAsync($"http://127.0.0.1:{port}/healthz")) Assert.Equal(503, (int)none.StatusCode);
        await ports.SetAsync(Web, null, 0, default);
        Assert.Equal(0, ports.PortOf(Web));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync($"http://127.0.0.1:{port}/healthz"));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_once_and_had_when_it_is_free()
    {
        List<string> told = [];
        await using var ports = new ServiceHealth("here", new(new FakeTime()), told.Add);
        await using (var other = await PlainServer.StartAsync(System.Net.IPAddress.Any, 0, _ => null, default))
        {
            int taken = other.Port;
            await ports.SetAsync(Web, taken, 1, default);
            await ports.RetryAsync(default);
            Assert.Equal(0, ports.PortOf(Web));
            Assert.Contains($"port {taken}", Assert.Single(told));
        }
        // Somebody else may have it for a moment.
        for (int tries = 0; ports.PortOf(Web) == 0 && tries < 10_000; tries++) await ports.RetryAsync(default);
        Assert.NotEqual(0, ports.PortOf(Web));
    }

    [Fact]
    public async Task Only_a_Service_that_keeps_traffic_local_and_is_served_has_a_listener()
    {
        await using var free = await PlainServer.StartAsync(System.Net.IPAddress.Any, 0, _ => null, default);
        // The port is never opened: it is taken, and that would be told.
        var service = new Service { Metadata = new() { Namespace = "shop", Name = "web" }, Spec = new() { Type = "LoadBalancer", ClusterIP = "10.96.0.9", HealthCheckNodePort = free.Port, ExternalTrafficPolicy = "Local" } };
        List<string> told = [];
        await using var telling = new ServiceHealth("here", new(new FakeTime()), told.Add);
        await telling.SetAsync(Web, service with { Spec = service.Spec with { ExternalTrafficPolicy = "Cluster" } }, [], default);
        await telling.SetAsync(Web, service with { Metadata = service.Metadata with { Labels = Map.Of(("service.kubernetes.io/headless", "")) } }, [], default);
        await telling.SetAsync(Web, null, [], default);
        Assert.Empty(told);
        await telling.SetAsync(Web, service, [], default);
        Assert.Single(told);
    }
}
