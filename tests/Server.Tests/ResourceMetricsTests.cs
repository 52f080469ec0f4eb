using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Metrics.V1beta1;
using Hanbae.Server.Discovery;
using Hanbae.Server.ResourceMetrics;

namespace Hanbae.Server.Tests;

public sealed class ResourceMetricsTests : IAsyncLifetime
{
    static readonly DateTimeOffset s_at = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly MeasuredUsage s_usage = new(
        [new() { Metadata = new() { Name = "n1" }, Timestamp = s_at, Window = Duration.From(TimeSpan.FromSeconds(15)), Usage = Of("250m", "1Gi") }],
        [Usage("a", "x", ("c", "100m", "10Mi"), ("d", "50m", "5Mi")), Usage("b", "y", ("c", "1", "1Mi"))]);

    static Map<Quantity> Of(string cpu, string memory) => Map.Of(("cpu", Quantity.Parse(cpu)), ("memory", Quantity.Parse(memory)));

    static PodMetrics Usage(string name, string app, params (string Name, string Cpu, string Memory)[] containers) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Labels = Map.Of(("app", app)) }, Timestamp = s_at, Window = Duration.From(TimeSpan.FromSeconds(15)),
        Containers = [.. containers.Select(c => new ContainerMetrics { Name = c.Name, Usage = Of(c.Cpu, c.Memory) })],
    };

    TestServer _server = null!;
    public async Task InitializeAsync()
    {
        ApiServer? server = null;
        _server = await TestServer.StartAsync(o => o with
        {
            MoreGroups = [ResourceMetricsApi.Served],
            Paths = [.. new ResourceMetricsApi(() => s_usage).Routes, .. new DiscoveryHandler(() => server?.MoreGroups ?? [], "localhost:1").Routes],
        });
        server = _server.Server;
    }
    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Nodes_and_Pods_tell_what_they_use()
    {
        var node = await _server.GetAsync("/apis/metrics.k8s.io/v1beta1/nodes/n1");
        Assert.Equal((200, "NodeMetrics", "250m", "15s"), (node.Code, node.Text("kind"), node.Text("usage", "cpu"), node.Text("window")));
        var pods = await _server.GetAsync("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dx");
        Assert.Equal(("PodMetricsList", "a", "50m"), (pods.Text("kind"), pods.Text("items", "0", "metadata", "name"), pods.Text("items", "0", "containers", "1", "usage", "cpu")));
        Assert.Contains("\"items\":[]", (await _server.GetAsync("/apis/metrics.k8s.io/v1beta1/namespaces/other/pods")).Body);
    }

    [Fact]
    public async Task What_is_not_measured_is_not_found() =>
        Assert.Equal("podmetrics.metrics.k8s.io \"default/none\" not found", (await _server.GetAsync("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/none")).Message);

    [Fact]
    public async Task Tables_have_a_column_for_each_resource()
    {
        var table = await _server.GetAsync("/apis/metrics.k8s.io/v1beta1/pods", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        Assert.Equal(["Name", "cpu", "memory", "Window"], Enumerable.Range(0, 4).Select(i => table.Text("columnDefinitions", i.ToString(), "name")));
        Assert.Equal(["a", "150m", "15Mi", "15s"], Enumerable.Range(0, 4).Select(i => table.Text("rows", "0", "cells", i.ToString())));
    }

    [Fact]
    public async Task The_group_is_discovered()
    {
        Assert.Contains("\"metrics.k8s.io/v1beta1\"", (await _server.GetAsync("/apis")).Body);
        Assert.Equal("nodes", (await _server.GetAsync("/apis/metrics.k8s.io/v1beta1")).Text("resources", "0", "name"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task Kubectl_tops_nodes_and_Pods(string kubectl)
    {
        await using var session = await KubectlSession.StartAsync(kubectl, more: [ResourceMetricsApi.Served], described: ResourceMetricsApi.Described, paths: [.. new ResourceMetricsApi(() => s_usage).Routes]);
        await session.Server.CreateAsync(new Node { Metadata = new() { Name = "n1" }, Status = new() { Allocatable = Of("1", "4Gi"), Capacity = Of("1", "4Gi") } });
        Assert.Matches(@"n1\s+250m\s+25%\s+1024Mi\s+25%", await session.RunAsync("", "top", "nodes"));
        Assert.Matches(@"(?s)a\s+150m\s+15Mi.*b\s+1000m\s+1Mi", await session.RunAsync("", "top", "pods", "-n", "default"));
        Assert.Matches(@"a\s+d\s+50m\s+5Mi", await session.RunAsync("", "top", "pods", "-n", "default", "--containers", "-l", "app=x"));
        Assert.Matches(@"usage\s+<map\[string\]\w+>", await session.RunAsync("", "explain", "--api-version=metrics.k8s.io/v1beta1", "pods.containers"));
        Assert.Matches(@"NAME\s+CPU\s+MEMORY\s+WINDOW\s+a\s+150m\s+15Mi\s+15s", await session.RunAsync("", "get", "pods.metrics.k8s.io", "-n", "default"));
    }
}
