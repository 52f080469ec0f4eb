using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hanbae.Kubelet.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>As much of an API server as <c>kubectl exec</c>, <c>cp</c> and <c>port-forward</c> ask for, with one Pod "p", before a fake runtime.</summary>
public sealed class FakeCluster : IAsyncLifetime
{
    readonly string _scratch = Directory.CreateTempSubdirectory("hanbae-kubectl-").FullName;
    readonly WebApplication _app = FakeRuntime.Build();

    internal FakeRuntime Runtime { get; private set; } = null!;
    public Uri Url { get; private set; } = null!;
    public string Scratch => _scratch;

    public async Task InitializeAsync()
    {
        Runtime = await FakeRuntime.StartAsync();
        _app.Run(ServeAsync);
        await _app.StartAsync();
        Url = FakeRuntime.AddressOf(_app);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await Runtime.DisposeAsync();
        Directory.Delete(_scratch, recursive: true);
    }

    /// <summary>What the last upgrade switched to, with the stream protocol.</summary>
    public string? LastUpgrade { get; private set; }

    Task ServeAsync(HttpContext context)
    {
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            if (context.Response.StatusCode == 101) LastUpgrade = $"{headers.Upgrade} {headers.SecWebSocketProtocol}{headers["X-Stream-Protocol-Version"]}";
            return Task.CompletedTask;
        });
        var (path, query) = (context.Request.Path.Value!, context.Request.Query);
        return path switch
        {
            "/api" => Json("""{"kind":"APIVersions","versions":["v1"]}"""),
            "/apis" => Json("""{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"""),
            "/api/v1" => Json("""{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"],"shortNames":["po"]}]}"""),
            "/api/v1/namespaces/default/pods/p" => Json("""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[{"name":"c","stdin":true}]},"status":{"phase":"Running"}}"""),
            "/api/v1/namespaces/default/pods/p/exec" => ExecAsync(),
            "/api/v1/namespaces/default/pods/p/portforward" => PortForwardAsync(),
            _ => Json("""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}""", 404),
        };

        Task Json(string body, int status = 200)
        {
            (context.Response.StatusCode, context.Response.ContentType) = (status, "application/json");
            return context.Response.WriteAsync(body);
        }

        async Task ExecAsync()
        {
            var options = new RemoteCommandOptions { Stdin = query["stdin"] == "true", Stdout = query["stdout"] == "true", Stderr = query["stderr"] == "true", Tty = query["tty"] == "true" };
            var url = query["command"] == "lost-token" ? new Uri(Runtime.Url, "/exec/lost") : Runtime.Exec(options, [.. query["command"].OfType<string>()]);
            if (await RemoteCommandServer.AcceptAsync(context, options) is { } session) await RuntimeStreams.ExecAsync(url, session, default);
        }

        async Task PortForwardAsync()
        {
            if (await PortForwardServer.AcceptAsync(context, new()) is { } session) await RuntimeStreams.PortForwardAsync(Runtime.PortForward(), session, default);
        }
    }

    /// <returns>Path of that kubectl, or null where it is not installed.</returns>
    public static string? Kubectl(string version)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(p => Path.Combine(p, "kubectl")).Where(File.Exists)
            .Select(f => Path.GetDirectoryName(File.ResolveLinkTarget(f, returnFinalTarget: true)?.FullName ?? f)!);
        return folders.Select(f => Path.Combine(f, $"kubectl.{version}")).FirstOrDefault(File.Exists);
    }

    public ProcessStartInfo Start(string kubectl, params string[] args) =>
        new(kubectl, ["--kubeconfig", "/dev/null", "--cache-dir", Path.Combine(_scratch, "cache"), "--server", Url.AbsoluteUri, .. args])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _scratch,
        };

    public async Task<(int Exit, byte[] Out, string Err)> RunAsync(ProcessStartInfo start, ReadOnlyMemory<byte> stdin = default)
    {
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var end = patience.Token.Register(() => process.Kill(entireProcessTree: true));
        var feed = FeedAsync();
        using var output = new MemoryStream();
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.StandardOutput.BaseStream.CopyToAsync(output, patience.Token);
        await process.WaitForExitAsync(patience.Token);
        await feed;
        return (process.ExitCode, output.ToArray(), await error);

        async Task FeedAsync()
        {
            try
            {
                await process.StandardInput.BaseStream.WriteAsync(stdin, patience.Token);
                process.StandardInput.Close();
            }
            catch (IOException) { } // it ended before it had read everything
        }
    }
}
