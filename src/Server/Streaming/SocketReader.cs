using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hanbae.Server.Streaming;

/// <summary>Sends a stream to a client that reads it as a WebSocket: what upstream's server does with logs for browsers and the like.</summary>
public static class SocketReader
{
    const string Binary = "binary.k8s.io", Base64 = "base64.binary.k8s.io", KeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
    const int Chunk = 16 << 10;

    public static bool IsAsked(RequestContext request) =>
        request.Header("Upgrade").Equals("websocket", StringComparison.OrdinalIgnoreCase) && request.Header("Connection").Contains("upgrade", StringComparison.OrdinalIgnoreCase);

    /// <summary>One message a chunk, binary or as base64 text, then the close.</summary>
    /// <param name="body">Disposed of when it was sent, or the client left.</param>
    public static async Task SendAsync(HttpContext http, Stream body)
    {
        await using var source = body;
        string[] asked = [.. http.Request.Headers.SecWebSocketProtocol.SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        string chosen = asked.FirstOrDefault(p => p is Binary or Base64) ?? "";
        if (http.Request.Headers.SecWebSocketKey is not [{ Length: > 0 } key] || http.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade || asked.Length > 0 && chosen.Length == 0)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        var headers = http.Response.Headers;
        headers.Upgrade = "websocket";
        headers.Connection = "Upgrade";
        headers.SecWebSocketAccept = System.Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + KeySuffix)));
        if (chosen.Length > 0) headers.SecWebSocketProtocol = chosen;
        using var socket = WebSocket.CreateFromStream(await upgrade.UpgradeAsync().ConfigureAwait(false), new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
        try
        {
            await CopyAsync(source, socket, chosen == Base64, http.RequestAborted).ConfigureAwait(false);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, http.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException) { } // the client left
    }

    static async Task CopyAsync(Stream source, WebSocket socket, bool text, CancellationToken ct)
    {
        byte[] chunk = new byte[Chunk];
        while (await source.ReadAsync(chunk, ct).ConfigureAwait(false) is > 0 and var count)
        {
            var message = text ? Encoding.ASCII.GetBytes(System.Convert.ToBase64String(chunk, 0, count)) : chunk.AsMemory(0, count);
            await socket.SendAsync(message, text ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, ct).ConfigureAwait(false);
        }
    }
}
