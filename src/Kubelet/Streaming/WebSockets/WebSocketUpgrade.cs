using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hanbae.Kubelet.Streaming.WebSockets;

/// <summary>Turns an HTTP/1.1 request into a WebSocket, choosing the subprotocol the way upstream does.</summary>
/// <remarks>By hand rather than by ASP.NET's middleware: .NET refuses subprotocol names with a slash (<c>SPDY/3.1+portforward.k8s.io</c>), and a refusal is upstream's 403.</remarks>
internal static class WebSocketUpgrade
{
    const string KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3

    public static bool IsRequested(HttpRequest request) => UpgradeHeader.Asks(request, "websocket");

    /// <param name="supported">Subprotocols by name; an empty one takes clients that name none.</param>
    /// <returns>The socket and the chosen subprotocol, or null once a refusal has been written.</returns>
    public static async Task<(WebSocket Socket, string Protocol)?> AcceptAsync(HttpContext context, IReadOnlyCollection<string> supported, StreamingTimeouts timeouts)
    {
        var headers = context.Request.Headers;
        if (headers.SecWebSocketVersion != "13" || headers.SecWebSocketKey is not [{ Length: > 0 } key] || context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
        {
            await UpgradeHeader.RefuseAsync(context, StatusCodes.Status400BadRequest, "unable to upgrade: not a WebSocket version 13 handshake over HTTP/1.1").ConfigureAwait(false);
            return null;
        }
        var asked = UpgradeHeader.Listed(headers.SecWebSocketProtocol);
        var chosen = asked.Count == 0 ? supported.FirstOrDefault(p => p.Length == 0) : asked.FirstOrDefault(supported.Contains);
        if (chosen is null)
        {
            await UpgradeHeader.RefuseAsync(context, StatusCodes.Status403Forbidden,
                $"unable to upgrade: unable to negotiate protocol: client supports [{string.Join(' ', asked)}], server accepts [{string.Join(' ', supported.Where(p => p.Length > 0))}]").ConfigureAwait(false);
            return null;
        }
        var answer = context.Response.Headers;
        answer.Upgrade = "websocket";
        answer.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + KeySuffix)));
        if (chosen.Length > 0) answer.SecWebSocketProtocol = chosen;
        var transport = await UpgradeHeader.SwitchAsync(context, upgrade, timeouts).ConfigureAwait(false);
        // No pings from this side, as upstream; those of kubectl are answered while a receive is pending.
        return (WebSocket.CreateFromStream(transport, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero }), chosen);
    }
}
