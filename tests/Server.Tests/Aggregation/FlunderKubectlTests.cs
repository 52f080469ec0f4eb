using System.Diagnostics;
using System.Reflection;
using Xunit.Sdk;

namespace Hanbae.Server.Tests.Aggregation;

/// <summary>Real kubectl works with what another server serves, and says so when it is gone.</summary>
public sealed class FlunderKubectlTests
{
    /// <summary>Runs a theory with an installed kubectl of that version; where it is missing, the skip says which.</summary>
    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    sealed class KubectlAttribute : DataAttribute
    {
        readonly string? _path;

        public KubectlAttribute(string version)
        {
            string? installed = Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(f => Path.Combine(f, "kubectl")).FirstOrDefault(File.Exists);
            installed = installed is null ? null : Path.GetDirectoryName(File.ResolveLinkTarget(installed, returnFinalTarget: true)?.FullName ?? installed);
            _path = installed is not null && File.Exists(Path.Combine(installed, "kubectl." + version)) ? Path.Combine(installed, "kubectl." + version) : null;
            if (_path is null) Skip = $"kubectl.{version} is not beside the kubectl in PATH";
        }

        public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_path ?? ""]];
    }

    static async Task<(int Code, string Out, string Error)> RunAsync(string kubectl, TestServer server, string cache, string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(kubectl, ["--server", server.Address.ToString(), "--insecure-skip-tls-verify", "--username=u", "--password=p", "--cache-dir", cache, .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["KUBECONFIG"] = Path.Combine(cache, "none");
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task Flunders_are_created_listed_and_explained(string kubectl)
    {
        var cache = Directory.CreateTempSubdirectory("hanbae-kubectl-");
        try
        {
            await using var flunders = await FlunderServer.StartAsync();
            await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
            await aggregated.RegisterAsync(flunders);
            await aggregated.AvailableAsync();
            await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync("/openapi/v3"), a => a.Body.Contains("wardle"));
            Task<(int Code, string Out, string Error)> Kubectl(string input, params string[] arguments) => RunAsync(kubectl, aggregated.Server, cache.FullName, input, arguments);

            var resources = await Kubectl("", "api-resources", "--no-headers");
            Assert.True(resources.Code == 0, resources.Error);
            Assert.Matches(@"(?m)^flunders\s+flu\s+wardle.example.com/v1alpha1\s+true\s+Flunder\s*$", resources.Out);
            var created = await Kubectl($"apiVersion: {FlunderServer.Group}/{FlunderServer.Version}\nkind: Flunder\nmetadata: {{name: one}}\nspec: {{reference: x}}\n", "create", "-n", "default", "-f", "-");
            Assert.True(created.Code == 0, created.Error);
            Assert.Equal("flunder.wardle.example.com/one created\n", created.Out);
            var listed = await Kubectl("", "get", "flu", "-n", "default");
            Assert.True(listed.Code == 0, listed.Error);
            Assert.Matches(@"NAME\s+AGE\s+one\s+", listed.Out);
            var explained = await Kubectl("", "explain", "flunders.spec.reference");
            Assert.True(explained.Code == 0, explained.Error);
            Assert.Contains("What it floats by.", explained.Out);
            var services = await Kubectl("", "get", "apiservices", AggregatedServer.Name);
            Assert.Matches(@"NAME\s+SERVICE\s+AVAILABLE\s+AGE\s+v1alpha1.wardle.example.com\s+wardle/api\s+True\s+", services.Out);

            flunders.DiscoveryCode = 500;
            await aggregated.UntilAsync(c => c.Reason == "FailedDiscoveryCheck");
            await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"), a => a.Body.Contains("Stale"));
            var broken = await Kubectl("", "api-resources", "--no-headers", "--cached=false");
            // What is stale is left out by kubectl itself, and the rest is there.
            Assert.DoesNotContain("flunders", broken.Out);
            Assert.Matches(@"(?m)^deployments\s+deploy\s+apps/v1\s+true\s+Deployment\s*$", broken.Out);
            var unavailable = await Kubectl("", "get", "services", "-n", "default");
            Assert.True(unavailable.Code == 0, unavailable.Error);
        }
        finally { cache.Delete(recursive: true); }
    }
}
