using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Hanbae.Kubelet.Probes;

/// <summary>Asks over HTTP: 200 to 299 is success; redirects are followed within the same host only, and one that is not followed is success with a warning.</summary>
static class HttpProbe
{
    /// <summary>How the failure ends when somebody answered a request by HTTPS who does not speak TLS.</summary>
    public const string NotTls = "http: server gave HTTP response to HTTPS client";

    const int MaxBody = 10 * 1024, MaxRedirects = 10;

    // No connection is used twice: a probe that reuses one tests nothing but that.
    static readonly HttpClient s_http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseProxy = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.Zero, ActivityHeadersPropagator = null,
        SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true }, // as upstream: certificates are not probed
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public static async Task<(ProbeVerdict Verdict, string Output)> RunAsync(HttpProbeRequest request, TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        var url = request.Url;
        try
        {
            for (int redirects = 0; ; redirects++)
            {
                using var message = Message(request, url);
                using var response = await s_http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
                string body = await BodyAsync(response, either.Token).ConfigureAwait(false);
                int code = (int)response.StatusCode;
                if (code is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is { } location)
                {
                    var next = new Uri(url, location);
                    if (next.Host == request.Url.Host)
                    {
                        if (redirects == MaxRedirects) return (ProbeVerdict.Failure, $"Get \"{next}\": stopped after {MaxRedirects} redirects");
                        url = next;
                        continue;
                    }
                }
                return code switch
                {
                    >= 200 and < 300 => (ProbeVerdict.Success, body),
                    >= 300 and < 400 => (ProbeVerdict.Warning, "Probe terminated redirects, Response body: " + body),
                    _ => (ProbeVerdict.Failure, $"HTTP probe failed with statuscode: {code}"),
                };
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (ProbeVerdict.Failure, $"Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        }
        catch (HttpRequestException e)
        {
            return (ProbeVerdict.Failure, $"Get \"{url}\": {Dial(e, url)}");
        }
        catch (IOException e)
        {
            return (ProbeVerdict.Failure, $"Get \"{url}\": {e.Message}");
        }
    }

    static string Dial(HttpRequestException e, Uri url) => e.InnerException is SocketException socket ? $"dial tcp {url.Host}:{url.Port}: connect: {TcpProbe.Words(socket)}"
        : e.HttpRequestError == HttpRequestError.ResponseEnded ? "EOF"
        // What came is no record of TLS: the framework says so by this and nothing else.
        : e is { HttpRequestError: HttpRequestError.SecureConnectionError, InnerException: AuthenticationException { InnerException: null } inner }
            && inner.Message.Contains("frame", StringComparison.Ordinal) ? NotTls : e.Message;

    static HttpRequestMessage Message(HttpProbeRequest request, Uri url)
    {
        var message = new HttpRequestMessage(HttpMethod.Get, url) { Version = HttpVersion.Version11 };
        message.Headers.ConnectionClose = true;
        bool agent = false, accept = false;
        foreach (var header in request.Headers)
        {
            if (header.Name.Equals("Host", StringComparison.OrdinalIgnoreCase)) { message.Headers.Host = header.Value; continue; }
            bool empty = header.Value.Length == 0;
            if (header.Name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase)) { agent = true; if (empty) continue; } // an empty one leaves it out
            if (header.Name.Equals("Accept", StringComparison.OrdinalIgnoreCase)) { accept = true; if (empty) continue; }
            message.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        if (!agent) message.Headers.TryAddWithoutValidation("User-Agent", request.UserAgent);
        if (!accept) message.Headers.TryAddWithoutValidation("Accept", "*/*");
        return message;
    }

    static async Task<string> BodyAsync(HttpResponseMessage response, CancellationToken ct)
    {
        var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        byte[] body = new byte[MaxBody];
        int read = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        return Encoding.UTF8.GetString(body, 0, read);
    }
}
