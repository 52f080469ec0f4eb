using System.Collections.Immutable;
using System.Diagnostics;
using Hanbae.Api.Rest;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Tests;

/// <summary>A real kubectl against a server of the test's; whole scripts of kubectl's commands stand in tests/EndToEnd/Kubectl.</summary>
/// <param name="borrowed">Somebody else ends the server.</param>
public sealed class KubectlSession(string kubectl, TestServer server, bool borrowed = false) : IAsyncDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-kubectl-");

    public TestServer Server { get; } = server;
    /// <summary>What the last command that succeeded said on standard error.</summary>
    public string Errors { get; private set; } = "";
    /// <summary>Of the commands that follow.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>With a server of its own.</summary>
    /// <param name="more">Groups that <paramref name="paths"/> answer.</param>
    /// <param name="described">What they hold.</param>
    public static async Task<KubectlSession> StartAsync(string kubectl, bool legacy = false, ImmutableArray<ServedGroup>? more = null, ImmutableArray<ResourceInfo>? described = null, params PathRoute[] paths) => new(kubectl, await TestServer.StartAsync(o => o with
    {
        Table = TableCatalog.Of, LegacyApis = legacy, MoreGroups = more ?? [],
        Paths = [.. paths, .. new DiscoveryHandler(() => more ?? [], "10.0.0.1:6443", legacy).Routes, .. new OpenApiHandler(() => [], legacy, described ?? []).Routes],
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
        var start = new ProcessStartInfo(kubectl, ["--server", Server.Address.ToString(), "--insecure-skip-tls-verify", "--username=u", "--password=p", "--cache-dir", _folder.FullName, .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["KUBECONFIG"] = Path.Combine(_folder.FullName, "none");
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
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
        if (!borrowed) await Server.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
