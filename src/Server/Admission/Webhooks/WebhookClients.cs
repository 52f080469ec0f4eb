using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Server.Crd.Conversion;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Calls webhooks over HTTPS: one client, with its connections, for all that name the same place and believe the same authorities.</summary>
sealed class WebhookClients(ServiceResolver resolve)
{
    /// <summary>Beyond this the clients are made anew: configurations change rarely, but for years.</summary>
    const int MostClients = 256, MostAnswer = 3 << 20;

    readonly ConcurrentDictionary<WebhookClientConfig, HttpClient> _clients = new();

    /// <summary>The address as it is named in errors: a Service's always with its port.</summary>
    public static string Address(WebhookClientConfig config, int? timeout)
    {
        string url = config.Service is { } s ? $"https://{s.Name}.{s.Namespace}.svc:{s.Port ?? 443}{(s.Path is { Length: > 0 } path ? path[0] == '/' ? path : "/" + path : "/")}" : config.Url ?? "https://localhost/";
        return timeout is { } seconds ? $"{url}?timeout={seconds}s" : url;
    }

    /// <exception cref="IOException">In the words of Go's client.</exception>
    public async Task<byte[]> PostAsync(WebhookClientConfig config, int? timeout, byte[] body, CancellationToken ct)
    {
        string address = Address(config, timeout);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (timeout is { } seconds) limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        try
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await Client(config).PostAsync(new Uri(address), content, limit.Token).ConfigureAwait(false);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? answer : throw new IOException(Refused((int)response.StatusCode, answer));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { throw new IOException($"Post \"{address}\": context deadline exceeded"); }
        catch (HttpRequestException e) { throw new IOException($"Post \"{address}\": {Why(e)}", e); }
    }

    static string Refused(int code, byte[] answer) => code switch
    {
        404 => "the server could not find the requested resource",
        401 => "the server has asked for the client to provide credentials",
        429 => "the server has received too many requests and has asked us to try again later",
        503 => "the server is currently unable to handle the request",
        >= 500 => $"an error on the server ({Api.Json.GoQuote.Text(Encoding.UTF8.GetString(answer.AsSpan(0, Math.Min(answer.Length, 2048))).Trim())}) has prevented the request from succeeding",
        _ => "the server rejected our request for an unknown reason",
    };

    static string Why(HttpRequestException e)
    {
        for (Exception? inner = e.InnerException; inner is not null; inner = inner.InnerException)
            if (inner is AuthenticationException) return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
            else if (inner is IOException { Message: var text } && inner is not HttpIOException) return text;
        return e.HttpRequestError == HttpRequestError.ResponseEnded ? "EOF" : e.Message;
    }

    HttpClient Client(WebhookClientConfig config)
    {
        if (_clients.Count > MostClients) _clients.Clear();
        return _clients.GetOrAdd(config, Make);
    }

    HttpClient Make(WebhookClientConfig config)
    {
        var service = config.Service;
        return new(new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = ConversionWebhook.Tls(config.CaBundle), PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
            ConnectCallback = async (context, ct) =>
                await DialAsync(service is null ? context.DnsEndPoint : await resolve(service.Namespace, service.Name, service.Port ?? 443, ct).ConfigureAwait(false), ct).ConfigureAwait(false),
        })
        { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostAnswer };
    }

    static async Task<Stream> DialAsync(DnsEndPoint at, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(at.Host, at.Port, ct).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException(e.SocketErrorCode switch
            {
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => $"dial tcp: lookup {at.Host}: no such host",
                SocketError.ConnectionRefused => $"dial tcp {at.Host}:{at.Port}: connect: connection refused",
                _ => $"dial tcp {at.Host}:{at.Port}: connect: {e.Message}",
            });
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
