using System.Text;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Tests;

public sealed class KubeletTests
{
    const string Pods = "/api/v1/namespaces/default/pods";

    /// <summary>A cluster of one node, whose kubelet is another server's paths.</summary>
    static async Task<(TestServer Cluster, TestServer Kubelet)> StartAsync(params PathRoute[] paths)
    {
        var kubelet = await TestServer.StartAsync(o => o with { Paths = [.. paths] });
        var cluster = await TestServer.StartAsync();
        await cluster.CreateAsync(new Node { Metadata = new() { Name = "n1" } });
        await cluster.SendAsync("PATCH", "/api/v1/nodes/n1/status",
            $$$$"""{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":{{{{kubelet.Address.Port}}}} } } } }""", "application/merge-patch+json");
        await cluster.CreateAsync(new Pod { Metadata = new() { Name = "a", Namespace = "default" }, Spec = new() { NodeName = "n1", Containers = [new Container { Name = "c", Image = "i" }] } });
        return (cluster, kubelet);
    }

    [Fact]
    public async Task A_log_comes_from_the_kubelet_of_the_Pod()
    {
        var (cluster, kubelet) = await StartAsync(new PathRoute("/containerLogs/", true, r => new(Reply.Text($"{r.Path}?{string.Join('&', r.Query.Select(q => q.Key + "=" + q.Value))}"))));
        await using var _ = cluster;
        await using var __ = kubelet;
        var log = await cluster.GetAsync(Pods + "/a/log?tailLines=3&follow=true&pretty=true");
        Assert.Equal((200, "/containerLogs/default/a/c?tailLines=3&follow=true"), (log.Code, log.Body));
        var stream = await cluster.Server.Transport.StreamAsync(new() { Method = "GET", Path = Pods + "/a/log", Identity = new("tester", []) }, CancellationToken.None);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        Assert.Equal("/containerLogs/default/a/c?", await reader.ReadToEndAsync());
        var wrong = await cluster.GetAsync(Pods + "/a/log?tailLines=-1");
        Assert.Equal((422, "PodLogOptions \"a\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0"), (wrong.Code, wrong.Message));
    }

    [Fact]
    public async Task The_kubelets_refusal_is_passed_on()
    {
        var (cluster, kubelet) = await StartAsync(new PathRoute("/containerLogs/", true, _ => new(Reply.Text("previous terminated container \"c\" in pod \"a\" not found\n", 400))));
        await using var _ = cluster;
        await using var __ = kubelet;
        var log = await cluster.GetAsync(Pods + "/a/log?previous=true");
        Assert.Equal((400, "BadRequest", "previous terminated container \"c\" in pod \"a\" not found"), (log.Code, log.Text("reason"), log.Message));
    }

    [Fact]
    public async Task A_node_is_proxied_to_its_kubelet()
    {
        var (cluster, kubelet) = await StartAsync(new PathRoute("/stats/", true, r => new(Reply.Text(r.Method + " " + r.Path + " " + r.Parameter("x"), 201))));
        await using var _ = cluster;
        await using var __ = kubelet;
        var stats = await cluster.GetAsync("/api/v1/nodes/n1/proxy/stats/summary?x=y");
        Assert.Equal((201, "GET /stats/summary y"), (stats.Code, stats.Body));
    }

    [Theory]
    [InlineData("?ports=80&ports=81", 400, "/portForward/default/a?port=80,81")]
    [InlineData("?port=80", 400, "/portForward/default/a?")]
    [InlineData("", 400, "/portForward/default/a?")]
    [InlineData("?ports=many", 400, "strconv.ParseInt: parsing \\\"many\\\": invalid syntax")]
    public async Task Ports_are_passed_on_to_the_kubelet_under_its_own_name(string query, int code, string told)
    {
        var (cluster, kubelet) = await StartAsync(new PathRoute("/portForward/", true, r => new(Reply.Text($"{r.Path}?{string.Join('&', r.Query.Select(q => q.Key + "=" + q.Value))}", 400))));
        await using var _ = cluster;
        await using var __ = kubelet;
        using var request = new HttpRequestMessage(HttpMethod.Get, Pods + "/a/portforward" + query) { Version = new(1, 1) };
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Protocol", "v4.channel.k8s.io")]) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await cluster.Http.SendAsync(request);
        Assert.Equal(code, (int)answer.StatusCode);
        Assert.Contains(told, await answer.Content.ReadAsStringAsync());
    }
}
