using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;
using Xunit.Sdk;

namespace Hanbae.Server.Tests.Discovery;

/// <summary>Runs a theory with an installed kubectl of that version; where it is missing, the skip says which.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class KubectlAttribute : DataAttribute
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

/// <summary>A server, and a kubectl that knows it.</summary>
public sealed class KubectlSession : IAsyncDisposable
{
    readonly string _kubectl;
    readonly TestServer _server;
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-kubectl-");

    KubectlSession(string kubectl, TestServer server) => (_kubectl, _server) = (kubectl, server);

    /// <param name="more">Groups that <paramref name="paths"/> answer.</param>
    public static async Task<KubectlSession> StartAsync(string kubectl, bool legacy = false, ImmutableArray<ServedGroup>? more = null, params PathRoute[] paths) => new(kubectl, await TestServer.StartAsync(o => o with
    {
        Table = TableCatalog.Of, LegacyApis = legacy, MoreGroups = more ?? [],
        Paths = [.. paths, .. new DiscoveryHandler(() => more ?? [], "10.0.0.1:6443", legacy).Routes, .. new OpenApiHandler(() => []).Routes],
    }));

    public TestServer Server => _server;
    /// <summary>What the last run said beside its output.</summary>
    public string Errors { get; private set; } = "";

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
            Errors = await error;
            Assert.True(process.ExitCode == 0, Errors);
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
