using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Hanbae.Kubelet.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>A container runtime's streaming server whose containers are processes of this machine.</summary>
sealed class FakeRuntime : IAsyncDisposable
{
    readonly ConcurrentDictionary<string, (RemoteCommandOptions Options, string[] Command)> _execs = new();
    readonly WebApplication _app;

    FakeRuntime(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>The command begun last, until it has ended.</summary>
    public Task LastRun { get; private set; } = Task.CompletedTask;

    public static async Task<FakeRuntime> StartAsync()
    {
        var app = Build();
        var runtime = new FakeRuntime(app);
        app.Run(runtime.ServeAsync);
        await app.StartAsync();
        runtime.Url = AddressOf(app);
        return runtime;
    }

    public static WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.SetMinimumLevel(LogLevel.None);
        return builder.Build();
    }

    public static Uri AddressOf(WebApplication app) => new(app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>What CRI's Exec does: a URL that is good once.</summary>
    public Uri Exec(RemoteCommandOptions options, params string[] command)
    {
        var token = Guid.NewGuid().ToString("N");
        _execs[token] = (options, command);
        return new(Url, $"/exec/{token}");
    }

    public Uri PortForward() => new(Url, "/portforward/token");

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task ServeAsync(HttpContext context)
    {
        if (context.Request.Path.Value!.StartsWith("/portforward", StringComparison.Ordinal))
        {
            if (await PortForwardServer.AcceptAsync(context, new()) is { } forward) await ForwardAsync(forward);
        }
        else if (!_execs.TryRemove(context.Request.Path.Value["/exec/".Length..], out var exec))
        {
            context.Response.StatusCode = 404;
            await context.Response.WriteAsync("no such token");
        }
        else if (await RemoteCommandServer.AcceptAsync(context, exec.Options) is { } session) await (LastRun = RunAsync(session, exec.Command));
    }

    static async Task RunAsync(RemoteCommandSession session, string[] command)
    {
        if (command is ["sizes", var count]) // stands in for a terminal: prints the sizes it is given
        {
            int left = int.Parse(count, CultureInfo.InvariantCulture);
            await foreach (var size in session.ResizesAsync(session.Disconnected))
            {
                await session.Stdout!.WriteAsync(Encoding.ASCII.GetBytes($"{size.Width}x{size.Height}\r\n"), session.Disconnected);
                if (--left == 0) break;
            }
            await session.CompleteAsync(RemoteCommandStatus.Success, default);
            return;
        }
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var gone = session.Disconnected.Register(() => process.Kill());
        using var ended = new CancellationTokenSource();
        var stdin = FeedAsync();
        await Task.WhenAll(CopyAsync(process.StandardOutput, session.Stdout), CopyAsync(process.StandardError, session.Stderr));
        await process.WaitForExitAsync();
        await ended.CancelAsync();
        await stdin;
        await session.CompleteAsync(process.ExitCode == 0 ? RemoteCommandStatus.Success : RemoteCommandStatus.NonZeroExitCode(process.ExitCode, $"error executing command [{string.Join(' ', command)}], exit code {process.ExitCode}"), default);

        async Task FeedAsync()
        {
            try
            {
                if (session.Stdin is { } from) await from.CopyToAsync(process.StandardInput.BaseStream, ended.Token);
                process.StandardInput.Close();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException) { session.Stdin?.StopReading(); }
        }

        static async Task CopyAsync(StreamReader from, Stream? to)
        {
            try { await from.BaseStream.CopyToAsync(to ?? Stream.Null); }
            catch (IOException) { } // the client is gone, and so will be the process
        }
    }

    static async Task ForwardAsync(PortForwardSession session)
    {
        var all = new List<Task>();
        await foreach (var connection in session.ConnectionsAsync(default)) all.Add(OneAsync(connection));
        await Task.WhenAll(all);
        await session.CloseAsync();

        async Task OneAsync(PortForwardConnection connection)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync("127.0.0.1", connection.Port);
                await using var stream = new NetworkStream(socket);
                var up = UpAsync(stream);
                await stream.CopyToAsync(connection.Data, session.Disconnected);
                await connection.CompleteAsync(null, default);
                await up;
            }
            catch (SocketException e) { await connection.CompleteAsync($"failed to connect to localhost:{connection.Port} inside namespace: {e.Message}", default); }
            catch (Exception e) when (e is IOException or OperationCanceledException) { }

            async Task UpAsync(NetworkStream stream)
            {
                try
                {
                    await connection.Data.CopyToAsync(stream, session.Disconnected);
                    socket.Shutdown(SocketShutdown.Send);
                }
                catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException) { }
            }
        }
    }
}
