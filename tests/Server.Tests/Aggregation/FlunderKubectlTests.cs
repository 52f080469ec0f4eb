namespace Hanbae.Server.Tests.Aggregation;

/// <summary>Real kubectl works with what another server serves, and says so when it is gone.</summary>
public sealed class FlunderKubectlTests
{
    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task Flunders_are_created_listed_and_explained(string kubectl)
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        await using var session = new KubectlSession(kubectl, aggregated.Server, borrowed: true);
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();
        await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync("/openapi/v3"), a => a.Body.Contains("wardle"));

        Assert.Matches(@"(?m)^flunders\s+flu\s+wardle.example.com/v1alpha1\s+true\s+Flunder\s*$", await session.RunAsync("", "api-resources", "--no-headers"));
        string flunder = $"apiVersion: {FlunderServer.Group}/{FlunderServer.Version}\nkind: Flunder\nmetadata: {{name: one}}\nspec: {{reference: x}}\n";
        Assert.Equal("flunder.wardle.example.com/one created\n", await session.RunAsync(flunder, "create", "-n", "default", "-f", "-"));
        Assert.Matches(@"NAME\s+AGE\s+one\s+", await session.RunAsync("", "get", "flu", "-n", "default"));
        Assert.Contains("What it floats by.", await session.RunAsync("", "explain", "flunders.spec.reference"));
        Assert.Matches(@"NAME\s+SERVICE\s+AVAILABLE\s+AGE\s+v1alpha1.wardle.example.com\s+wardle/api\s+True\s+", await session.RunAsync("", "get", "apiservices", AggregatedServer.Name));

        flunders.DiscoveryCode = 500;
        await aggregated.UntilAsync(c => c.Reason == "FailedDiscoveryCheck");
        await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"), a => a.Body.Contains("Stale"));
        // What is stale is left out by kubectl itself, and the rest is there.
        var (_, broken, _) = await session.TryAsync("", "api-resources", "--no-headers", "--cached=false");
        Assert.DoesNotContain("flunders", broken);
        Assert.Matches(@"(?m)^deployments\s+deploy\s+apps/v1\s+true\s+Deployment\s*$", broken);
        await session.RunAsync("", "get", "services", "-n", "default");
    }
}
