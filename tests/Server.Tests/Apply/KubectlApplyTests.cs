namespace Hanbae.Server.Tests.Apply;

/// <summary>Real kubectl applies server-side, and moves from client-side apply to it.</summary>
public sealed class KubectlApplyTests
{
    const string Web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: default}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: a, image: i}]}
        """;

    static string Scaled(int replicas) => Web.Replace("replicas: 2", $"replicas: {replicas}", StringComparison.Ordinal);

    static async Task<KubectlSession> StartAsync(string kubectl)
    {
        var session = await KubectlSession.StartAsync(kubectl);
        await session.Server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        return session;
    }

    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    public async Task Server_side_apply_conflicts_and_is_forced(string kubectl)
    {
        await using var session = await StartAsync(kubectl);
        Assert.Contains("deployment.apps/web serverside-applied", await session.RunAsync(Web, "apply", "--server-side", "-f", "-"));
        await session.RunAsync("", "scale", "deployment/web", "--replicas=5", "-n", "default");
        var refused = await session.TryAsync(Scaled(3), "apply", "--server-side", "-f", "-");
        Assert.Equal(1, refused.Code);
        // kubectl scale goes by its User-Agent, which begins with the program's name.
        Assert.Contains($"Apply failed with 1 conflict: conflict with \"{Path.GetFileName(kubectl)}\" with subresource \"scale\" using apps/v1: .spec.replicas", refused.Error);
        Assert.Contains("--force-conflicts", refused.Error);
        Assert.Contains("serverside-applied", await session.RunAsync(Scaled(3), "apply", "--server-side", "--force-conflicts", "-f", "-"));
        Assert.Equal("3", await session.RunAsync("", "get", "deployment/web", "-n", "default", "-o", "jsonpath={.spec.replicas}"));
        Assert.DoesNotContain("managedFields", await session.RunAsync("", "get", "deployment/web", "-n", "default", "-o", "yaml"));
        Assert.Contains("f:replicas", await session.RunAsync("", "get", "deployment/web", "-n", "default", "-o", "yaml", "--show-managed-fields"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    public async Task Client_side_apply_hands_over_to_server_side_apply_and_back(string kubectl)
    {
        await using var session = await StartAsync(kubectl);
        await session.RunAsync(Web, "apply", "-f", "-");
        Assert.Contains("\"replicas\":2", await session.RunAsync("", "apply", "view-last-applied", "deployment/web", "-n", "default", "-o", "json") is var last ? last.Replace("\"replicas\": ", "\"replicas\":") : "");
        Assert.Contains("serverside-applied", await session.RunAsync(Scaled(4), "apply", "--server-side", "-f", "-"));
        string managers = await session.RunAsync("", "get", "deployment/web", "-n", "default", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}");
        Assert.DoesNotContain("kubectl-client-side-apply", managers);
        Assert.Contains("replicas: 4", await session.RunAsync("", "apply", "view-last-applied", "deployment/web", "-n", "default"));
        Assert.Contains("configured", await session.RunAsync(Scaled(6), "apply", "-f", "-"));
        Assert.Equal("6", await session.RunAsync("", "get", "deployment/web", "-n", "default", "-o", "jsonpath={.spec.replicas}"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task A_diff_shows_what_an_apply_would_change(string kubectl)
    {
        await using var session = await StartAsync(kubectl);
        await session.RunAsync(Web, "apply", "--server-side", "-f", "-");
        Assert.Equal(0, (await session.TryAsync(Web, "diff", "--server-side", "-f", "-")).Code);
        var changed = await session.TryAsync(Scaled(3), "diff", "--server-side", "-f", "-");
        Assert.Equal(1, changed.Code);
        Assert.Contains("-  replicas: 2", changed.Output);
        Assert.Contains("+  replicas: 3", changed.Output);
        Assert.Equal("2", await session.RunAsync("", "get", "deployment/web", "-n", "default", "-o", "jsonpath={.spec.replicas}"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task An_edited_last_applied_configuration_is_written(string kubectl)
    {
        await using var session = await StartAsync(kubectl);
        await session.RunAsync(Web, "apply", "-f", "-");
        await session.RunAsync(Scaled(9), "apply", "set-last-applied", "-f", "-");
        Assert.Contains("replicas: 9", await session.RunAsync("", "apply", "view-last-applied", "deployment/web", "-n", "default"));
        Assert.Equal("2", await session.RunAsync("", "get", "deployment/web", "-n", "default", "-o", "jsonpath={.spec.replicas}"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task An_apply_set_prunes_what_is_no_longer_in_it(string kubectl)
    {
        await using var session = await StartAsync(kubectl);
        const string A = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", B = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
        string[] apply = ["apply", "--server-side", "-n", "default", "--prune", "--applyset=secrets/set", "-f", "-"];
        await RunAlphaAsync(session, A + "---\n" + B, apply);
        Assert.Contains("configmap/b pruned", await RunAlphaAsync(session, A, apply));
        Assert.Equal("configmap/a\n", await session.RunAsync("", "get", "configmaps", "-n", "default", "-o", "name"));
    }

    /// <summary>Apply sets are behind a variable of kubectl's.</summary>
    static async Task<string> RunAlphaAsync(KubectlSession session, string input, string[] arguments)
    {
        session.Environment["KUBECTL_APPLYSET"] = "true";
        return await session.RunAsync(input, arguments);
    }
}
