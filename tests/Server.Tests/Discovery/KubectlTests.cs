using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;
using Xunit.Sdk;

namespace Hanbae.Server.Tests.Discovery;

/// <summary>Real kubectl finds its way: 1.27 asks for aggregated discovery v2beta1, later ones for v2; explain reads OpenAPI v3 or v2.</summary>
public sealed class KubectlTests
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

    sealed class Session : IAsyncDisposable
    {
        readonly string _kubectl;
        readonly TestServer _server;
        readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-kubectl-");

        Session(string kubectl, TestServer server) => (_kubectl, _server) = (kubectl, server);

        public static async Task<Session> StartAsync(string kubectl) => new(kubectl, await TestServer.StartAsync(o => o with
        {
            Table = TableCatalog.Of, Paths = [.. new DiscoveryHandler(() => [], "10.0.0.1:6443").Routes, .. new OpenApiHandler(() => []).Routes],
        }));

        public async Task<string> RunAsync(string input, params string[] arguments)
        {
            var start = new ProcessStartInfo(_kubectl, ["--server", _server.Address.ToString(), "--insecure-skip-tls-verify", "--username=u", "--password=p", "--cache-dir", _folder.FullName, .. arguments])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            };
            start.Environment["KUBECONFIG"] = Path.Combine(_folder.FullName, "none");
            using var process = Process.Start(start)!;
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            try
            {
                var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
                await process.StandardInput.WriteAsync(input);
                process.StandardInput.Close();
                await process.WaitForExitAsync(limit.Token);
                Assert.True(process.ExitCode == 0, await error);
                return await output;
            }
            finally
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _server.DisposeAsync();
            _folder.Delete(recursive: true);
        }
    }

    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    public async Task Resources_and_versions_are_found(string kubectl)
    {
        await using var session = await Session.StartAsync(kubectl);
        string resources = await session.RunAsync("", "api-resources", "--no-headers");
        Assert.Matches(@"(?m)^deployments\s+deploy\s+apps/v1\s+true\s+Deployment\s*$", resources);
        Assert.Equal(ServedGroup.BuiltIn.Sum(g => g.Versions.Take(1).Sum(v => v.Resources.Count(r => !r.Name.Contains('/')))), resources.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("autoscaling/v1\nautoscaling/v2\n", await session.RunAsync("", "api-versions"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.30"), Kubectl("1.33")]
    public async Task Fields_are_explained(string kubectl)
    {
        await using var session = await Session.StartAsync(kubectl);
        string containers = await session.RunAsync("", "explain", "pods.spec.containers");
        Assert.Contains("FIELD: containers <[]Container>", containers);
        Assert.Matches(@"image\s+<string>", containers);
        Assert.Matches(@"replicas\s+<integer>", await session.RunAsync("", "explain", "deployments.spec", "--recursive"));
        Assert.Matches(@"containers\s+<\[\]Object>", await session.RunAsync("", "explain", "pods.spec", "--output", "plaintext-openapiv2"));
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task What_is_applied_is_shown_in_columns(string kubectl)
    {
        await using var session = await Session.StartAsync(kubectl);
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
