using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Calls webhooks over HTTPS: one client, with its connections, for all that name the same place and believe the same authorities.</summary>
/// <param name="users">As whom it comes to them.</param>
/// <param name="counts">Of all that are called.</param>
sealed class WebhookClients(ServiceBackends backends, WebhookUsers users, WebhookCounts? counts = null) : IDisposable
{
    /// <summary>Beyond this the one that was used least recently goes: configurations change rarely, but for years.</summary>
    const int MostClients = 256, MostAnswer = 3 << 20;

    readonly Lock _lock = new();
    readonly Dictionary<WebhookClientConfig, Use> _clients = [];
    long _clock;

    public WebhookCounts Counts { get; } = counts ?? new();

    /// <summary>The address as it is named in errors: a Service's always with its port.</summary>
    public static string Address(WebhookClientConfig config, int? timeout)
    {
        string url = config.Service is { } s ? $"https://{s.Name}.{s.Namespace}.svc:{s.Port ?? 443}{(s.Path is { Length: > 0 } path ? path[0] == '/' ? path : "/" + path : "/")}" : config.Url ?? "https://localhost/";
        return timeout is { } seconds ? $"{url}?timeout={seconds}s" : url;
    }

    /// <exception cref="IOException">In the words of Go's client.</exception>
    /// <param name="left">Of the request's own time, which ends by the token: the webhook is told when it is less than its own.</param>
    public async Task<byte[]> PostAsync(WebhookClientConfig config, int? timeout, TimeSpan? left, byte[] body, CancellationToken ct)
    {
        int? whole = left is { } rest ? Math.Max(1, (int)Math.Ceiling(rest.TotalSeconds)) : null;
        string address = Address(config, whole < (timeout ?? int.MaxValue) ? whole : timeout);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (timeout is { } seconds) limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        var use = Take(config);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address))
            {
                // As upstream: one connection that all share, but for Services, whose endpoints are to share the work.
                Version = config.Service is null ? HttpVersion.Version20 : HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
                Content = new ByteArrayContent(body),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            // As upstream: by these a webhook knows who asks.
            request.Headers.TryAddWithoutValidation("User-Agent", "kube-apiserver-admission");
            request.Headers.TryAddWithoutValidation("Accept", "application/json, */*");
            if (use.User is { } user) request.Headers.Authorization = await user.HeaderAsync(limit.Token).ConfigureAwait(false);
            using var response = await use.Http.SendAsync(request, limit.Token).ConfigureAwait(false);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? answer : throw new IOException(Refused((int)response.StatusCode, answer));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested) { throw new IOException($"Post \"{address}\": context deadline exceeded"); }
        catch (HttpRequestException e) { throw new IOException($"Post \"{address}\": {BackendTls.Why(e)}", e); }
        finally { Return(use); }
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

    Use Take(WebhookClientConfig config)
    {
        lock (_lock)
        {
            if (!_clients.TryGetValue(config, out var use))
            {
                if (_clients.Count >= MostClients) Retire(_clients.MinBy(c => c.Value.LastUsed).Key);
                var at = new Uri(Address(config, null));
                var user = users.Find(at.Host, at.Port);
                _clients[config] = use = new(Make(config, user?.Certificate), user);
            }
            (use.LastUsed, use.Calls) = (++_clock, use.Calls + 1);
            return use;
        }
    }

    void Return(Use use)
    {
        lock (_lock)
            if (--use.Calls == 0 && use.IsRetired) use.Http.Dispose();
    }

    /// <summary>Calls on their way come to their end.</summary>
    void Retire(WebhookClientConfig config)
    {
        _clients.Remove(config, out var use);
        use!.IsRetired = true;
        if (use.Calls == 0) use.Http.Dispose();
    }

    HttpClient Make(WebhookClientConfig config, X509Certificate2? certificate)
    {
        var service = config.Service;
        var tls = BackendTls.Trusting(config.CaBundle);
        if (certificate is not null) tls.ClientCertificates = [certificate];
        return new(new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, SslOptions = tls, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
            // As upstream: a connection whose other end is gone without a word does not keep the next review waiting for long.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30), KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            ConnectCallback = (context, ct) => service is null ? ServiceBackends.DialAsync(context.DnsEndPoint, ct) : backends.DialAsync(service.Namespace, service.Name, service.Port ?? 443, ct),
        })
        { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostAnswer };
    }

    public void Dispose()
    {
        lock (_lock)
            foreach (var config in _clients.Keys.ToArray()) Retire(config);
    }

    sealed class Use(HttpClient http, WebhookUser? user)
    {
        public HttpClient Http => http;
        public WebhookUser? User => user;
        public long LastUsed { get; set; }
        public int Calls { get; set; }
        public bool IsRetired { get; set; }
    }
}
