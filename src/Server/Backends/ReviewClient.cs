using System.Net;
using System.Net.Http.Headers;
using Hanbae.Api.Json;

namespace Hanbae.Server.Backends;

/// <summary>Asks a webhook by POST, and again for a while when it is overloaded or broke off, as upstream's webhook clients do.</summary>
sealed class ReviewClient : IDisposable
{
    const int Tries = 5, MostAnswer = 1 << 20;
    const double Growth = 1.5;

    readonly Kubeconfig _config;
    readonly HttpClient _http;
    readonly TimeSpan _pause;

    /// <param name="timeout">Of one request.</param>
    /// <param name="pause">Before the second try; half a second upstream.</param>
    public ReviewClient(Kubeconfig config, TimeSpan timeout, TimeSpan? pause = null)
    {
        (_config, _pause) = (config, pause ?? TimeSpan.FromMilliseconds(500));
        var tls = BackendTls.Trusting(config.Authority);
        if (config.ServerName.Length > 0) tls.TargetHost = config.ServerName;
        if (config.Insecure) tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        if (config.User.Certificate is { } certificate) tls.ClientCertificates = [certificate];
        _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = tls, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90) })
        {
            Timeout = timeout, MaxResponseContentBufferSize = MostAnswer,
        };
    }

    /// <exception cref="IOException">Nobody answered, or not with such an object.</exception>
    public async Task<JsonObject> PostAsync(byte[] body, CancellationToken ct)
    {
        var pause = _pause;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                using var request = await RequestAsync(body, ct).ConfigureAwait(false);
                using var response = await _http.SendAsync(request, ct).ConfigureAwait(false);
                byte[] answer = await response.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
                if (response.IsSuccessStatusCode) return JsonValue.Parse(answer) as JsonObject ?? throw new IOException("the webhook answered no object");
                if (response.StatusCode is not (HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests) || attempt == Tries)
                    throw new IOException($"the webhook answered {(int)response.StatusCode}");
            }
            catch (JsonSyntaxException e) { throw new IOException("the webhook answered no JSON: " + e.Message, e); }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested) { throw new IOException($"Post \"{_config.Server}\": context deadline exceeded"); }
            catch (HttpRequestException e) when (e.HttpRequestError is not HttpRequestError.ResponseEnded || attempt == Tries)
            {
                throw new IOException($"Post \"{_config.Server}\": {e.InnerException?.Message ?? e.Message}", e);
            }
            catch (HttpRequestException) { } // broken off: once more
            await Task.Delay(pause, ct).ConfigureAwait(false);
            pause *= Growth;
        }
    }

    async Task<HttpRequestMessage> RequestAsync(byte[] body, CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _config.Server) { Content = new ByteArrayContent(body), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Authorization = await _config.User.HeaderAsync(ct).ConfigureAwait(false);
        return request;
    }

    public void Dispose()
    {
        _http.Dispose();
        _config.User.Certificate?.Dispose();
    }
}
