using System.Buffers.Binary;
using System.Globalization;
using System.Threading.Channels;
using Hanbae.Kubelet.Streaming.Spdy;
using Hanbae.Kubelet.Streaming.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Accepts port-forward requests over SPDY, SPDY tunnelled in a WebSocket (KEP-4006), or WebSocket channels.</summary>
public static class PortForwardServer
{
    internal const string Protocol = "portforward.k8s.io";
    const string Tunnelled = "SPDY/3.1+" + Protocol;
    static readonly string[] s_webSocket = [Tunnelled, "v4.channel.k8s.io", "v4.base64.channel.k8s.io", ""];

    /// <returns>The session, or null when the request was refused (the answer is written).</returns>
    public static async Task<PortForwardSession?> AcceptAsync(HttpContext context, StreamingTimeouts timeouts)
    {
        if (!WebSocketUpgrade.IsRequested(context.Request))
            return await SpdyUpgrade.AcceptAsync(context, [Protocol], timeouts).ConfigureAwait(false) is var (transport, _) ? OverSpdy(transport, timeouts) : null;

        var ports = Ports(context.Request.Query);
        if (ports is null or [] && !context.Request.Headers.SecWebSocketProtocol.Any(p => p?.Contains(Tunnelled, StringComparison.Ordinal) == true))
        {
            await UpgradeHeader.RefuseAsync(context, StatusCodes.Status400BadRequest,
                ports is null ? "query parameter \"port\" must be port numbers" : "query parameter \"port\" is required").ConfigureAwait(false);
            return null;
        }
        if (await WebSocketUpgrade.AcceptAsync(context, s_webSocket, timeouts).ConfigureAwait(false) is not var (socket, protocol)) return null;
        return protocol == Tunnelled
            ? OverSpdy(new WebSocketByteStream(socket), timeouts)
            : await OverChannelsAsync(WebSocketChannels.Start(socket, protocol.Contains("base64"), closable: false, count: 2 * (ports ?? []).Count), ports ?? [], timeouts, context.RequestAborted).ConfigureAwait(false);
    }

    static PortForwardSession OverSpdy(Stream transport, StreamingTimeouts timeouts)
    {
        var pairs = new PortForwardPairs(timeouts);
        var session = SpdySession.Start(transport, server: true, pairs.Take);
        session.Closed.Register(pairs.End);
        return new(session, pairs.Complete, timeouts.Linger);
    }

    /// <remarks>Each port has two channels, data and error; the first message on either says which port, little endian.</remarks>
    static async Task<PortForwardSession?> OverChannelsAsync(WebSocketChannels channels, IReadOnlyList<ushort> ports, StreamingTimeouts timeouts, CancellationToken ct)
    {
        var connections = Channel.CreateBounded<PortForwardConnection>(ports.Count);
        try
        {
            for (int n = 0; n < ports.Count; n++)
            {
                var port = new byte[2];
                BinaryPrimitives.WriteUInt16LittleEndian(port, ports[n]);
                await channels[2 * n].WriteAsync(port, ct).ConfigureAwait(false);
                await channels[2 * n + 1].WriteAsync(port, ct).ConfigureAwait(false);
                channels[2 * n + 1].StopReading();
                connections.Writer.TryWrite(new(ports[n], channels[2 * n], channels[2 * n + 1]));
            }
        }
        catch (IOException)
        {
            await channels.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        connections.Writer.Complete();
        return new(channels, connections.Reader, timeouts.Linger);
    }

    /// <returns>The ports of all <c>port</c> parameters, each of which may list several; null when one is none. At most 126, so that each channel has a number.</returns>
    static List<ushort>? Ports(IQueryCollection query)
    {
        var ports = new List<ushort>();
        foreach (var text in query["port"].SelectMany(v => (v ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0 || ports.Count == 126) return null;
            ports.Add(port);
        }
        return ports;
    }
}
