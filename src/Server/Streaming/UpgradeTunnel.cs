using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hanbae.Server.Streaming;

/// <summary>Passes exec, attach, port-forward and proxied upgrades through to the kubelet or service that speaks the protocol.</summary>
/// <remarks>
/// Any protocol: after the backend's 101 only bytes are moved. Nothing is buffered beyond one copy buffer each way, so a slow end
/// slows the other. The backend's end of sending ends the client's connection after its last byte; the client's is passed on as
/// a half-close, after which the backend has <see cref="Linger"/> to finish (Kestrel itself takes a client's FIN for its end).
/// </remarks>
public static class UpgradeTunnel
{
    const int Buffer = 32 * 1024;
    const string BearerProtocol = "base64url.bearer.authorization.k8s.io.";
    static readonly TimeSpan Linger = TimeSpan.FromSeconds(5);

    // Hop-by-hop or rewritten, or the client's credentials, which are for this server alone.
    static readonly HashSet<string> s_notForwarded = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "TE", "Trailer", "Keep-Alive", "Expect", "Proxy-Connection", "Proxy-Authorization", "Authorization",
    };
    static readonly HashSet<string> s_notRelayed = new(StringComparer.OrdinalIgnoreCase) { "Connection", "Upgrade", "Transfer-Encoding", "Keep-Alive", "Trailer", "Date", "Server" };

    public static bool IsUpgrade(HttpRequest request) =>
        request.Headers.Connection.Any(v => v?.Contains("upgrade", StringComparison.OrdinalIgnoreCase) == true) && request.Headers.Upgrade.Count > 0;

    /// <returns>Null once the exchange is over; otherwise why it could not begin, with nothing answered yet.</returns>
    public static async Task<UpgradeFailure?> RunAsync(HttpContext context, UpgradeTarget target)
    {
        // Over HTTP/2 a WebSocket would come as an extended CONNECT, which no Kubernetes client sends and upstream does not take.
        if (!IsUpgrade(context.Request) || context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
            return new(StatusCodes.Status400BadRequest, "Upgrade request required");

        Stream? backend = null;
        // One handler per tunnel: a connection belongs to the identity it was dialled with and must never be found by another request.
        using var http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
            ConnectCallback = async (_, ct) => backend = await target.ConnectAsync(ct).ConfigureAwait(false),
        });
        using var request = RequestFor(context.Request, target);
        HttpResponseMessage answer;
        try { answer = await http.SendAsync(request, context.RequestAborted).ConfigureAwait(false); }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return new(StatusCodes.Status500InternalServerError, $"error dialing backend: {(e.InnerException ?? e).Message}");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { return null; } // the client left, nobody wants an answer
        using (answer)
        {
            Relay(answer, context.Response);
            var body = await answer.Content.ReadAsStreamAsync(context.RequestAborted).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                await body.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
                return null;
            }
            context.Response.Headers.Upgrade = string.Join(", ", answer.Headers.Upgrade);
            // Kestrel would end the connection of a user who pauses the output for some seconds.
            if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
            await using var client = await upgrade.UpgradeAsync().ConfigureAwait(false);
            await PumpAsync(client, body, backend!).ConfigureAwait(false);
            return null;
        }
    }

    static HttpRequestMessage RequestFor(HttpRequest from, UpgradeTarget target)
    {
        // As plain http to this client, whatever it is: the connection comes with its TLS.
        var url = new Uri($"http://{target.Host}{target.PathAndQuery}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(from.Method), url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var own = target.Headers.Select(h => h.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in from.Headers)
        {
            if (s_notForwarded.Contains(name) || own.Contains(name) || Aggregation.ProxyHeaders.SaysWho(name)) continue;
            // A WebSocket client without other means puts its token among the subprotocols.
            var kept = name.Equals("Sec-WebSocket-Protocol", StringComparison.OrdinalIgnoreCase)
                ? [.. values.SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Where(p => !p.StartsWith(BearerProtocol, StringComparison.Ordinal))]
                : values.ToArray();
            if (kept.Length > 0) request.Headers.TryAddWithoutValidation(name, kept);
        }
        foreach (var (name, value) in target.Headers) request.Headers.TryAddWithoutValidation(name, value);
        request.Headers.Connection.Add("Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", from.Headers.Upgrade.AsEnumerable());
        return request;
    }

    static void Relay(HttpResponseMessage answer, HttpResponse response)
    {
        bool switching = answer.StatusCode == HttpStatusCode.SwitchingProtocols;
        response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.NonValidated) if (!s_notRelayed.Contains(name)) response.Headers[name] = values.ToArray();
        if (switching) return;
        foreach (var (name, values) in answer.Content.Headers.NonValidated) response.Headers[name] = values.ToArray();
    }

    static async Task PumpAsync(Stream client, Stream backend, Stream dialled)
    {
        using var over = new CancellationTokenSource();
        var up = UpAsync();
        try { await backend.CopyToAsync(client, Buffer, over.Token).ConfigureAwait(false); }
        catch (Exception e) when (IsEnd(e)) { }
        await over.CancelAsync().ConfigureAwait(false);
        await up.ConfigureAwait(false);

        async Task UpAsync()
        {
            try
            {
                await client.CopyToAsync(backend, Buffer, over.Token).ConfigureAwait(false);
                await EndSendingAsync(dialled).ConfigureAwait(false);
            }
            catch (Exception e) when (IsEnd(e)) { }
            over.CancelAfter(Linger);
        }
    }

    static async ValueTask EndSendingAsync(Stream dialled)
    {
        if (dialled is Aggregation.RepeatedHeaders { Inner: var inner }) dialled = inner;
        if (dialled is SslStream tls) await tls.ShutdownAsync().ConfigureAwait(false);
        else if (dialled is NetworkStream { Socket: var socket }) socket.Shutdown(SocketShutdown.Send);
    }

    static bool IsEnd(Exception e) => e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;
}
