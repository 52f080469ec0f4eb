using System.Diagnostics;
using System.Reflection;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;
using Xunit.Sdk;

namespace Hanbae.Server.Tests;

/// <summary>Runs a theory with an installed kubectl of that version; where it is missing, the skip says which.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
sealed class KubectlAttribute : DataAttribute
{
    readonly string? _path;

    public KubectlAttribute(string version)
    {
        string? installed = System.Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(f => Path.Combine(f, "kubectl")).FirstOrDefault(File.Exists);
        installed = installed is null ? null : Path.GetDirectoryName(File.ResolveLinkTarget(installed, returnFinalTarget: true)?.FullName ?? installed);
        _path = installed is not null && File.Exists(Path.Combine(installed, "kubectl." + version)) ? Path.Combine(installed, "kubectl." + version) : null;
        if (_path is null) Skip = $"kubectl.{version} is not beside the kubectl in PATH";
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_path ?? ""]];
}

/// <summary>A real kubectl against a server of its own.</summary>
sealed class KubectlSession : IAsyncDisposable
{
    readonly string _kubectl;
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-kubectl-");

    KubectlSession(string kubectl, TestServer server) => (_kubectl, Server) = (kubectl, server);

    public TestServer Server { get; }
    /// <summary>What the last command that succeeded said on standard error.</summary>
    public string Errors { get; private set; } = "";
    /// <summary>Of the commands that follow.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    public static async Task<KubectlSession> StartAsync(string kubectl, bool legacy = false) => new(kubectl, await TestServer.StartAsync(o => o with
    {
        Table = TableCatalog.Of, LegacyApis = legacy, Paths = [.. new DiscoveryHandler(() => [], "10.0.0.1:6443", legacy).Routes, .. new OpenApiHandler(() => []).Routes],
    }));

    /// <summary>What it prints; it must succeed.</summary>
    public async Task<string> RunAsync(string input, params string[] arguments)
    {
        var ran = await TryAsync(input, arguments);
        Assert.True(ran.Code == 0, ran.Error);
        Errors = ran.Error;
        return ran.Output;
    }

    public async Task<(int Code, string Output, string Error)> TryAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(_kubectl, ["--server", Server.Address.ToString(), "--insecure-skip-tls-verify", "--username=u", "--password=p", "--cache-dir", _folder.FullName, .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["KUBECONFIG"] = Path.Combine(_folder.FullName, "none");
        foreach (var (name, value) in Environment) start.Environment[name] = value;
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

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
