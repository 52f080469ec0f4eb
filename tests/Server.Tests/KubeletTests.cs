using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Tests;

public sealed class KubeletTests
{
    const string Pods = "/api/v1/namespaces/default/pods";

    /// <summary>A cluster of one node, whose kubelet is another server's paths.</summary>
    static Task<(TestServer Cluster, TestServer Kubelet)> StartAsync(params PathRoute[] paths) => StartAsync(null, paths);

    /// <param name="change">Of the cluster's server.</param>
    static async Task<(TestServer Cluster, TestServer Kubelet)> StartAsync(Func<ServerOptions, ServerOptions>? change, params PathRoute[] paths)
    {
        var kubelet = await TestServer.StartAsync(o => o with { Paths = [.. paths] });
        var cluster = await TestServer.StartAsync(change);
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

    [Theory]
    [InlineData(400, "previous terminated container \"c\" in pod \"a\" not found", "BadRequest", "previous terminated container \"c\" in pod \"a\" not found")]
    [InlineData(401, "Unauthorized", "Unauthorized", "the server has asked for the client to provide credentials ( pods/log a)")]
    [InlineData(403, "Forbidden (user=x)", "Forbidden", "Forbidden (user=x) ( pods/log a)")]
    [InlineData(404, "pod \"a\" does not exist", "NotFound", "the server could not find the requested resource ( pods/log a)")]
    [InlineData(500, "it is broken", "InternalError", "Internal error occurred: it is broken")]
    [InlineData(502, "it is away", "InternalError", "an error on the server (\"it is away\") has prevented the request from succeeding ( pods/log a)")]
    [InlineData(503, "later", "ServiceUnavailable", "the server is currently unable to handle the request ( pods/log a)")]
    public async Task The_kubelets_refusal_is_passed_on_in_the_words_that_clients_know(int code, string said, string reason, string message)
    {
        var (cluster, kubelet) = await StartAsync(new PathRoute("/containerLogs/", true, _ => new(Reply.Text(said + "\n", code))));
        await using var _ = cluster;
        await using var __ = kubelet;
        var log = await cluster.GetAsync(Pods + "/a/log?previous=true");
        Assert.Equal((code, reason, message), (log.Code, log.Text("reason"), log.Message));
    }

    [Fact]
    public async Task Who_reads_a_log_may_do_without_a_kubelet_that_anybody_vouches_for()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = new CertificateRequest("CN=other", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var (cluster, kubelet) = await StartAsync(o => o with { KubeletAuthorities = [other] }, new PathRoute("/containerLogs/", true, _ => new(Reply.Text("line\n"))));
        await using var _ = cluster;
        await using var __ = kubelet;
        var refused = await cluster.GetAsync(Pods + "/a/log");
        Assert.Equal(500, refused.Code);
        Assert.EndsWith("/containerLogs/default/a/c\": tls: failed to verify certificate: x509: certificate signed by unknown authority", refused.Message, StringComparison.Ordinal);
        var read = await cluster.GetAsync(Pods + "/a/log?insecureSkipTLSVerifyBackend=true");
        Assert.Equal((200, "line\n"), (read.Code, read.Body));
        Assert.Equal(500, (await cluster.GetAsync(Pods + "/a/log?insecureSkipTLSVerifyBackend=false")).Code);
    }

    /// <summary>It is the kubelet that knows whether anything runs: a container of a Pod that is done can be restarted in the next moment.</summary>
    [Theory]
    [InlineData("exec", "?command=ls&stdout=1", "container not found (\"c\")")]
    [InlineData("attach", "?stdout=1", "container c not found in pod a_default")]
    public async Task What_has_ended_is_the_kubelets_to_tell(string subresource, string query, string told)
    {
        var (cluster, kubelet) = await StartAsync(new PathRoute($"/{subresource}/", true, _ => new(Reply.Text(told, 500))));
        await using var _ = cluster;
        await using var __ = kubelet;
        await cluster.SendAsync("PATCH", Pods + "/a/status", """{"status":{"phase":"Succeeded"} }""", "application/merge-patch+json");
        using var request = Upgrade($"{Pods}/a/{subresource}{query}");
        using var answer = await cluster.Http.SendAsync(request);
        Assert.Equal((500, told), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    static HttpRequestMessage Upgrade(string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path) { Version = new(1, 1) };
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Protocol", "v4.channel.k8s.io")]) request.Headers.TryAddWithoutValidation(name, value);
        return request;
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
        using var request = Upgrade(Pods + "/a/portforward" + query);
        using var answer = await cluster.Http.SendAsync(request);
        Assert.Equal(code, (int)answer.StatusCode);
        Assert.Contains(told, await answer.Content.ReadAsStringAsync());
    }
}
