using System.Threading.Channels;
using Hanbae.Kubelet.Streaming.Spdy;
using Hanbae.Kubelet.Streaming.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Accepts exec and attach requests over SPDY or WebSocket.</summary>
public static class RemoteCommandServer
{
    // As upstream: over SPDY v5 adds nothing (streams end by themselves), so it is not offered there.
    static readonly string[] s_spdy = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
    static readonly string[] s_webSocket = ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io", ""];

    /// <returns>The session with all its streams open, or null when the request was refused (the answer is written).</returns>
    public static Task<RemoteCommandSession?> AcceptAsync(HttpContext context, RemoteCommandOptions options) =>
        WebSocketUpgrade.IsRequested(context.Request) ? AcceptWebSocketAsync(context, options) : AcceptSpdyAsync(context, options);

    static async Task<RemoteCommandSession?> AcceptWebSocketAsync(HttpContext context, RemoteCommandOptions options)
    {
        if (await WebSocketUpgrade.AcceptAsync(context, s_webSocket, options.Timeouts).ConfigureAwait(false) is not var (socket, protocol)) return null;

        var channels = WebSocketChannels.Start(socket, base64: protocol.Contains("base64"), closable: protocol.StartsWith("v5.", StringComparison.Ordinal), count: 5);
        var stdin = options.Stdin ? channels[0] : null;
        var stdout = options.Stdout ? channels[1] : null;
        var stderr = options is { Stderr: true, Tty: false } ? channels[2] : null;
        if (!options.Stdin) channels[0].StopReading();
        if (!options.Tty) channels[4].StopReading();
        foreach (int number in (ReadOnlySpan<int>)[1, 2, 3]) channels[number].StopReading();
        try
        {
            await (stdout ?? stderr ?? channels[3]).AnnounceAsync(context.RequestAborted).ConfigureAwait(false);
        }
        catch (IOException)
        {
            await channels.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        return new(channels, options, statusAsJson: protocol.StartsWith('v'), stdin, stdout, stderr, error: channels[3], resize: options.Tty ? channels[4] : null);
    }

    static async Task<RemoteCommandSession?> AcceptSpdyAsync(HttpContext context, RemoteCommandOptions options)
    {
        if (await SpdyUpgrade.AcceptAsync(context, s_spdy, options.Timeouts).ConfigureAwait(false) is not var (transport, protocol)) return null;

        bool resizable = options.Tty && protocol is ['v', '3' or '4', ..];
        var wanted = new HashSet<string>(StringComparer.Ordinal) { "error" };
        if (options.Stdin) wanted.Add("stdin");
        if (options.Stdout) wanted.Add("stdout");
        if (options is { Stderr: true, Tty: false }) wanted.Add("stderr");
        if (resizable) wanted.Add("resize");

        // Room for each wanted stream exactly: a stream of another type, or a second one of the same, is refused.
        var opened = Channel.CreateBounded<SpdyStream>(wanted.Count);
        var expected = new HashSet<string>(wanted, StringComparer.Ordinal);
        var session = SpdySession.Start(transport, server: true, stream => wanted.Remove(stream.Headers.GetValueOrDefault("streamtype", "")) && opened.Writer.TryWrite(stream));

        var streams = new Dictionary<string, SpdyStream>(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(options.Timeouts.Creation, options.Timeouts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, session.Closed);
        try
        {
            while (streams.Count < expected.Count)
            {
                var stream = await opened.Reader.ReadAsync(either.Token).ConfigureAwait(false);
                streams[stream.Headers["streamtype"]] = stream;
            }
        }
        catch (OperationCanceledException)
        {
            await session.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        foreach (var output in (ReadOnlySpan<string>)["stdout", "stderr", "error"]) streams.GetValueOrDefault(output)?.StopReading();
        return new(session, options, statusAsJson: protocol.StartsWith("v4", StringComparison.Ordinal), streams.GetValueOrDefault("stdin"),
            streams.GetValueOrDefault("stdout"), streams.GetValueOrDefault("stderr"), streams["error"], streams.GetValueOrDefault("resize"));
    }
}
