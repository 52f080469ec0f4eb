using Hanbae.Host.Commands;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Commands;

/// <summary><c>hanbae simulate</c> on a live cluster: read over HTTPS by its kubeconfig, told of, and left as it is.</summary>
public sealed class SimulateLiveTests : IAsyncLifetime
{
    readonly ControlPlaneRig _rig = new();
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-simulate-").FullName;

    public Task InitializeAsync() => _rig.InitializeAsync();

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    string File(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, content);
        return path;
    }

    string Deployment(string name, int replicas, string cpu) => File(name + ".yaml",
        $"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: main, image: x, resources: {{requests: {{cpu: \"{cpu}\"}}}}}}]}}}}\n");

    async Task<(int Code, string[] Lines)> Run(string manifest, params string[] templates)
    {
        var to = new StringWriter();
        int code = await Simulate.RunAsync(new(_rig.Folder, [], [manifest], templates, null, 10, false), to, CancellationToken.None);
        return (code, to.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task It_tells_where_Pods_would_go_by_what_is_there_and_changes_nothing()
    {
        // What runs there already counts: it takes one of the nodes nearly whole.
        string ns = await _rig.NamespaceAsync(), pods = $"/api/v1/namespaces/{ns}/pods";
        var nodes = await _rig.Admin.ListAsync("/api/v1/nodes");
        int cpus = int.Parse(nodes[0].Text("status", "allocatable", "cpu"), System.Globalization.CultureInfo.InvariantCulture);
        await _rig.Admin.CreateAsync(pods, $$"""{"metadata":{"name":"there"},"spec":{"containers":[{"name":"main","image":"x","resources":{"requests":{"cpu":"{{cpus * 900}}m"} } }]} }""");
        var there = await _rig.Admin.UntilAsync(pods, "there", p => p.Text("spec", "nodeName").Length > 0);
        string other = nodes.Select(n => n.Name()).Single(n => n != there.Text("spec", "nodeName"));

        var (code, lines) = await Run(Deployment("web", 1, $"{cpus * 500}m"));
        Assert.Equal(0, code);
        Assert.Equal(["Deployment/default/web: 1 Pod placed", $"  {other}  1"], lines);

        (code, lines) = await Run(Deployment("big", 1, $"{cpus * 2}"));
        Assert.Equal(1, code);
        Assert.Equal("Deployment/default/big: 1 Pod pending", lines[0]);
        Assert.StartsWith("  0/2 nodes are available: 2 Insufficient cpu.", lines[1], StringComparison.Ordinal);

        (code, lines) = await Run(Deployment("big", 1, $"{cpus * 2}"), File("node.yaml", $"apiVersion: v1\nkind: Node\nmetadata: {{name: large}}\nstatus: {{allocatable: {{cpu: \"{cpus * 2}\", memory: 16Gi}}}}\n"));
        Assert.Equal(0, code);
        Assert.Contains("to be added: 1 node of large", lines);

        Assert.Empty(await _rig.Admin.ListAsync("/apis/apps/v1/namespaces/default/deployments"));
        Assert.Empty(await _rig.Admin.ListAsync("/api/v1/namespaces/default/pods"));
        Assert.Equal(2, (await _rig.Admin.ListAsync("/api/v1/nodes")).Count);
    }
}
