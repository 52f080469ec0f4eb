using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Hanbae.Kubelet.Streaming.Spdy;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Opens the SPDY session behind a streaming URL that a container runtime handed out.</summary>
internal static class RuntimeConnection
{
    const int MaxRefusal = 4 * 1024;

    // Connections are upgraded and never come back, so there is nothing to pool or to share but the settings.
    static readonly HttpMessageInvoker s_http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null });

    /// <exception cref="IOException">The runtime cannot be reached or does not upgrade; the message says what it answered.</exception>
    public static async Task<SpdySession> OpenAsync(Uri url, string protocol, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new ProductHeaderValue("SPDY", "3.1"));
        request.Headers.TryAddWithoutValidation(SpdyUpgrade.ProtocolVersion, protocol);

        HttpResponseMessage answer;
        try { answer = await s_http.SendAsync(request, ct).ConfigureAwait(false); }
        catch (HttpRequestException e) { throw new IOException($"error dialing the container runtime's streaming server: {e.Message}", e); }
        try
        {
            var transport = await answer.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.SwitchingProtocols && answer.Headers.TryGetValues(SpdyUpgrade.ProtocolVersion, out var chosen) && chosen.Contains(protocol))
                return SpdySession.Start(transport, server: false, accept: null);

            if (answer.StatusCode == HttpStatusCode.SwitchingProtocols) throw new IOException($"unable to upgrade connection: the container runtime does not speak {protocol}");
            var said = new byte[MaxRefusal];
            int length = await transport.ReadAtLeastAsync(said, said.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
            throw new IOException($"unable to upgrade connection: {(int)answer.StatusCode} {answer.ReasonPhrase}: {Encoding.UTF8.GetString(said, 0, length).Trim()}");
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }
}
