using Hanbae.Server.Discovery;

namespace Hanbae.Server.Tests.Discovery;

/// <summary>Real kubectl finds its way: 1.27 asks for aggregated discovery v2beta1, later ones for v2; explain reads OpenAPI v3 or v2.</summary>
public sealed class KubectlTests
{
    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    public async Task Resources_and_versions_are_found(string kubectl)
    {
        await using var session = await KubectlSession.StartAsync(kubectl);
        string resources = await session.RunAsync("", "api-resources", "--no-headers");
        Assert.Matches(@"(?m)^deployments\s+deploy\s+apps/v1\s+true\s+Deployment\s*$", resources);
        Assert.Equal(ServedGroup.BuiltIn.Sum(g => g.Versions.Take(1).Sum(v => v.Resources.Count(r => !r.Name.Contains('/')))), resources.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("autoscaling/v1\nautoscaling/v2\n", await session.RunAsync("", "api-versions"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    public async Task Fields_are_explained(string kubectl)
    {
        await using var session = await KubectlSession.StartAsync(kubectl);
        string containers = await session.RunAsync("", "explain", "pods.spec.containers");
        Assert.Contains("FIELD: containers <[]Container>", containers);
        Assert.Matches(@"image\s+<string>", containers);
        Assert.Matches(@"replicas\s+<integer>", await session.RunAsync("", "explain", "deployments.spec", "--recursive"));
        Assert.Matches(@"containers\s+<\[\]Object>", await session.RunAsync("", "explain", "pods.spec", "--output", "plaintext-openapiv2"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task What_is_applied_is_shown_in_columns(string kubectl)
    {
        await using var session = await KubectlSession.StartAsync(kubectl);
        const string Objects = """
            {"apiVersion":"v1","kind":"List","items":[
            {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}},
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"default"},"data":{"a":"b"}},
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"default"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"a","image":"i"}]}}}}]}
            """;
        await session.RunAsync(Objects, "apply", "-f", "-");
        Assert.Contains("unchanged", await session.RunAsync(Objects, "apply", "-f", "-"));
        Assert.Contains("configured (server dry run)", await session.RunAsync(Objects.Replace("\"replicas\":2", "\"replicas\":3", StringComparison.Ordinal), "apply", "--dry-run=server", "-f", "-"));
        string shown = await session.RunAsync("", "get", "deployments,configmaps", "-n", "default", "-o", "wide");
        Assert.Matches(@"NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\s+CONTAINERS\s+IMAGES\s+SELECTOR", shown);
        Assert.Matches(@"deployment.apps/web\s+0/2\s+0\s+0\s+\d+s\s+a\s+i\s+app=web", shown);
        Assert.Matches(@"configmap/c\s+1\s+\d+s", shown);
    }
}
