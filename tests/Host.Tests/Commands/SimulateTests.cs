using Hanbae.Host.Commands;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Commands;

public sealed class SimulateTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-simulate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string File(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, content);
        return path;
    }

    string Dump => File("dump.yaml", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}, status: {allocatable: {cpu: \"4\", memory: 8Gi, pods: \"110\"}}}\n");
    string App => File("app.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n  selector: {matchLabels: {app: web}}\n  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: x, resources: {requests: {cpu: \"2\"}}}]}}\n");
    string Template => File("node.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: large}\nstatus: {allocatable: {cpu: \"8\", memory: 16Gi}}\n");

    static async Task<(int Code, string[] Lines)> Run(Simulate.Asked asked)
    {
        var to = new StringWriter();
        int code = await Simulate.RunAsync(asked, to, CancellationToken.None);
        return (code, to.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Who_stays_pending_is_told_with_the_reason_and_the_exit_code_says_so()
    {
        var (code, lines) = await Run(new("", [Dump], [App], [], null, 10, false));
        Assert.Equal(1, code);
        Assert.Equal("Deployment/default/web: 2 Pods placed", lines[0]);
        Assert.Equal("  n1  2", lines[1]);
        Assert.Equal("Deployment/default/web: 1 Pod pending", lines[2]);
        Assert.StartsWith("  0/1 nodes are available: 1 Insufficient cpu.", lines[3], StringComparison.Ordinal);
        Assert.Equal("  n1: Insufficient cpu → 2000m more free: 0m of 4000m are, 2000m are asked for", lines[4]);
    }

    [Fact]
    public async Task Nodes_of_a_template_are_counted_and_json_says_the_same()
    {
        var (code, lines) = await Run(new("", [Dump], [App], [Template], null, 10, false));
        Assert.Equal(0, code);
        Assert.Contains("  large-new-1  1  (a node to be added)", lines);
        Assert.Contains("to be added: 1 node of large", lines);
        var (_, json) = await Run(new("", [Dump], [App], [Template], null, 10, true));
        Assert.EndsWith("\"needed\":[{\"template\":\"large\",\"count\":1}]}", Assert.Single(json), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_wrong_is_named()
    {
        string broken = File("broken.yaml", "kind: [");
        var e = await Assert.ThrowsAsync<SettingsException>(() => Run(new("", [broken], [App], [], null, 10, false)));
        Assert.StartsWith(broken + ": ", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<SettingsException>(() => Run(new("", [Dump], [App], [App], null, 10, false)));
        Assert.EndsWith("there is no Node in it", e.Message, StringComparison.Ordinal);
    }
}
