using System.Net.Sockets;
using System.Text;
using Hanbae.Kubelet.Streaming.Spdy;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Opens the SPDY session behind a streaming URL that a container runtime handed out.</summary>
internal static class RuntimeConnection
{
    const int MaxHead = 16 * 1024, MaxRefusal = 4 * 1024;

    /// <exception cref="IOException">The runtime cannot be reached or does not upgrade; the message says what it answered.</exception>
    public static async Task<SpdySession> OpenAsync(Uri url, string protocol, CancellationToken ct)
    {
        if (url.Scheme != Uri.UriSchemeHttp) throw new IOException($"streaming URL of the container runtime is {url.Scheme}, only http is spoken: turn TLS streaming off in the runtime's configuration");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? transport = null;
        try
        {
            await socket.ConnectAsync(url.IdnHost, url.Port, ct).ConfigureAwait(false);
            transport = new NetworkStream(socket, ownsSocket: true);
            var request = $"POST {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\nConnection: Upgrade\r\nUpgrade: {SpdyUpgrade.Protocol}\r\n" +
                $"{SpdyUpgrade.ProtocolVersion}: {protocol}\r\nContent-Length: 0\r\n\r\n";
            await transport.WriteAsync(Encoding.ASCII.GetBytes(request), ct).ConfigureAwait(false);
            await ReadAnswerAsync(transport, protocol, ct).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (transport is null) socket.Dispose();
            else await transport.DisposeAsync().ConfigureAwait(false);
            if (e is SocketException) throw new IOException($"container runtime's streaming server {url.Authority}: {e.Message}", e);
            throw;
        }
        return SpdySession.Start(transport, server: false, accept: null);
    }

    /// <remarks>Byte by byte up to the empty line: nothing that belongs to SPDY may be swallowed, and heads are short.</remarks>
    static async Task ReadAnswerAsync(Stream transport, string protocol, CancellationToken ct)
    {
        var head = new byte[MaxHead];
        int have = 0;
        while (!head.AsSpan(0, have).EndsWith("\r\n\r\n"u8))
        {
            if (have == head.Length || await transport.ReadAsync(head.AsMemory(have, 1), ct).ConfigureAwait(false) == 0)
                throw new IOException("container runtime's streaming server closed the connection before it upgraded");
            have++;
        }
        var lines = Encoding.Latin1.GetString(head, 0, have).Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
        {
            var body = new byte[MaxRefusal];
            int length = lines.Select(l => l.Split(':', 2)).FirstOrDefault(l => l is [var name, _] && name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) is [_, var value] && int.TryParse(value, out int said) ? said : 0;
            int got = await transport.ReadAtLeastAsync(body.AsMemory(0, Math.Clamp(length, 0, MaxRefusal)), Math.Clamp(length, 0, MaxRefusal), throwOnEndOfStream: false, ct).ConfigureAwait(false);
            throw new IOException($"unable to upgrade connection: {lines[0]}: {Encoding.UTF8.GetString(body, 0, got).Trim()}");
        }
        if (!lines.Any(l => l.StartsWith(SpdyUpgrade.ProtocolVersion, StringComparison.OrdinalIgnoreCase) && l.AsSpan(SpdyUpgrade.ProtocolVersion.Length + 1).Trim().SequenceEqual(protocol)))
            throw new IOException($"container runtime's streaming server does not speak {protocol}");
    }
}
