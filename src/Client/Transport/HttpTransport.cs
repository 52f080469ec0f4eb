using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using GroupVersion = Hanbae.Api.GroupVersion;

namespace Hanbae.Client;

/// <summary>Carries requests over HTTP/2 to an API server anywhere, Hanbae's or upstream's.</summary>
/// <remarks>Bodies go out in protobuf and come back so when the server can; see <see cref="HttpTransportOptions.Protobuf"/>.</remarks>
public sealed class HttpTransport : IApiTransport, IDisposable
{
    readonly Lock _lock = new();
    readonly Credentials _credentials;
    readonly ClusterConfig _config;
    readonly HttpTransportOptions _options;
    readonly string _base;
    volatile HttpClient _http;
    X509Certificate2? _shown;

    /// <summary>Connections are made when they are needed.</summary>
    public HttpTransport(ClusterConfig config, TimeProvider time, HttpTransportOptions? options = null)
    {
        (_config, _options, _credentials) = (config, options ?? HttpTransportOptions.Default, new(config, time));
        _base = config.Server.ToString().TrimEnd('/');
        _http = Open();
    }

    HttpClient Open()
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = _credentials.Tls(),
            EnableMultipleHttp2Connections = true,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(30),
            // As client-go: a line that was silent for 30 s is asked, and is dead after 15 s more. So a watch cannot hang for ever.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            InitialHttp2StreamWindowSize = 1 << 20,
        };
        // A certificate in a file is renewed there: lines made with the old one are given up in time.
        if (_config.ClientCertificate.File is { Length: > 0 }) handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
        if (_config.Proxy is { } proxy) handler.Proxy = new WebProxy(proxy);
        return new(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        // As client-go: what only reads may be asked again when its line breaks.
        try { return await OnceAsync(request, ct); }
        catch (Exception e) when (request.Method == "GET" && IsBrokenLine(e) && !ct.IsCancellationRequested) { return await OnceAsync(request, ct); }
    }

    async Task<ApiResult> OnceAsync(ApiRequest request, CancellationToken ct)
    {
        using var response = await ExchangeAsync(request, HttpCompletionOption.ResponseHeadersRead, Accept(request), ct);
        return await ReadAsync(response, request.Kind, ct);
    }

    /// <summary>The server, or what stands before it, ended the line in the middle; not that there was none to be had.</summary>
    static bool IsBrokenLine(Exception e)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
            if (inner is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown }
                or HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } or HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } or EndOfStreamException) return true;
        return false;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        using var response = await ExchangeAsync(request, HttpCompletionOption.ResponseHeadersRead, Accept(request), ct);
        if ((int)response.StatusCode >= 400) throw new ApiException(Answers.StatusOf(await ReadAsync(response, null, ct)));
        string type = MediaType(response);
        if (type is not (Decoding.Protobuf or Decoding.Json)) throw new InvalidDataException($"a watch of type \"{type}\"");
        await using var body = await response.Content.ReadAsStreamAsync(ct);
        using var frames = new WatchFrames(body, lengths: type == Decoding.Protobuf);
        while (await frames.NextAsync(ct) is { } frame) yield return Decoding.Event(frame.Span, type == Decoding.Protobuf, request.Kind);
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct)
    {
        var response = await ExchangeAsync(request, HttpCompletionOption.ResponseHeadersRead, request.Accept.Length > 0 ? request.Accept : "*/*", ct);
        try
        {
            if ((int)response.StatusCode >= 400) throw new ApiException(Answers.StatusOf(await ReadAsync(response, null, ct)));
            // The stream gives the connection back when it is disposed.
            return await response.Content.ReadAsStreamAsync(ct);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    string Accept(ApiRequest request) =>
        request.Accept.Length > 0 ? request.Accept : _options.Protobuf ? Decoding.Protobuf + "," + Decoding.Json : Decoding.Json;

    async Task<HttpResponseMessage> ExchangeAsync(ApiRequest request, HttpCompletionOption until, string accept, CancellationToken ct)
    {
        var plugin = await _credentials.PluginAsync(ct);
        var response = await ExchangeAsync(request, until, accept, plugin, ct);
        if (response.StatusCode != HttpStatusCode.Unauthorized) return response;
        // What a plugin gave, or the file held, may have been revoked before its time: once, with what is there now.
        if (plugin is not null) _credentials.Refused(plugin);
        else if (response.RequestMessage?.Headers.Authorization?.Parameter is not { } shown || !_credentials.HasAnotherToken(shown)) return response;
        response.Dispose();
        return await ExchangeAsync(request, until, accept, await _credentials.PluginAsync(ct), ct);
    }

    /// <summary>Lines that show the certificate: a new one wants new lines.</summary>
    HttpClient Showing(X509Certificate2? certificate)
    {
        if (ReferenceEquals(certificate, Volatile.Read(ref _shown))) return _http;
        lock (_lock)
        {
            if (_shown is null && certificate is not null || ReferenceEquals(certificate, _shown)) _shown = certificate;
            else
            {
                // As client-go: what is under way with the old one breaks, and watches come back.
                _http.Dispose();
                (_http, _shown) = (Open(), certificate);
            }
            return _http;
        }
    }

    async Task<HttpResponseMessage> ExchangeAsync(ApiRequest request, HttpCompletionOption until, string accept, ExecCredentials.Credential? plugin, CancellationToken ct)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), Address(request))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Content = Content(request),
        };
        // The handler takes the name for TLS, asked for and checked, from Host; an API server does not care about Host.
        if (_config.TlsServerName.Length > 0) message.Headers.Host = _config.TlsServerName;
        message.Headers.TryAddWithoutValidation("Accept", accept);
        message.Headers.TryAddWithoutValidation("User-Agent", request.UserAgent.Length > 0 ? request.UserAgent : _options.UserAgent);
        message.Headers.Authorization = _credentials.Authorization(plugin);
        foreach (var (name, value) in _config.Headers) message.Headers.TryAddWithoutValidation(name, value);
        foreach (var (name, value) in request.Headers) message.Headers.TryAddWithoutValidation(name, value);
        return await Showing(plugin?.Certificate).SendAsync(message, until, ct);
    }

    string Address(ApiRequest request)
    {
        var address = new StringBuilder(_base).Append(request.Path);
        char before = '?';
        foreach (var (name, value) in request.Query)
        {
            address.Append(before).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
            before = '&';
        }
        return address.ToString();
    }

    ByteArrayContent? Content(ApiRequest request)
    {
        byte[] body;
        string type = request.ContentType;
        if (request.Object is { } obj)
        {
            // Status, DeleteOptions and their like go by the name of the API they are sent to.
            var kind = obj.Kind();
            var version = kind.Gvk.Group == Status.Info.Gvk.Group ? VersionOf(request.Path) ?? kind.Gvk.GroupVersion : kind.Gvk.GroupVersion;
            bool proto = type.Length == 0 ? _options.Protobuf && obj is not Unstructured : type == Decoding.Protobuf;
            body = proto ? Api.Codec.Envelope.Wrap(obj, version, kind.Kind) : kind.WriteFor(obj, version);
            if (type.Length == 0) type = proto ? Decoding.Protobuf : Decoding.Json;
        }
        else if (request.Body.Length > 0) body = request.Body.ToArray();
        else return null;
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", type.Length > 0 ? type : Decoding.Json);
        return content;
    }

    static GroupVersion? VersionOf(string path) => path.Split('/') switch
    {
        ["", "api", var version, ..] => new("", version),
        ["", "apis", var group, var version, ..] => new(group, version),
        _ => null,
    };

    static async Task<ApiResult> ReadAsync(HttpResponseMessage response, Api.Schema.KindInfo? expected, CancellationToken ct)
    {
        byte[] body = await BodyAsync(response.Content, ct);
        string[] warnings = [.. response.Headers.Warning.Select(w => Unquote(w.Text))];
        var result = Decoding.Result((int)response.StatusCode, MediaType(response), body, warnings, expected);
        // A proxy before the server says when to come back in a header alone.
        if (result.Code is 429 or >= 500 && response.Headers.RetryAfter?.Delta is { } delay && Answers.StatusOf(result) is var status && status.Details is not { RetryAfterSeconds: > 0 })
            return result with { Object = status with { Details = (status.Details ?? StatusDetails.Empty) with { RetryAfterSeconds = (int)delay.TotalSeconds } } };
        return result;
    }

    /// <summary>Into an array of its size: HttpClient's own buffers for large answers would stay in the pool, tens of megabytes after one list.</summary>
    static async Task<byte[]> BodyAsync(HttpContent content, CancellationToken ct)
    {
        await using var stream = await content.ReadAsStreamAsync(ct);
        if (content.Headers.ContentLength is { } length)
        {
            byte[] whole = GC.AllocateUninitializedArray<byte>(checked((int)length));
            await stream.ReadExactlyAsync(whole, ct);
            return whole;
        }
        using var grown = new MemoryStream();
        await stream.CopyToAsync(grown, ct);
        return grown.ToArray();
    }

    static string MediaType(HttpResponseMessage response) => response.Content.Headers.ContentType?.MediaType ?? "";

    static string Unquote(string text) => text is ['"', .. var inner, '"'] ? inner.Replace("\\\"", "\"").Replace("\\\\", "\\") : text;

    /// <summary>Closes all lines: what is under way breaks.</summary>
    public void Dispose()
    {
        _http.Dispose();
        _credentials.Dispose();
    }
}

/// <summary>How requests go over HTTP.</summary>
public sealed record HttpTransportOptions
{
    /// <summary>Protobuf, in the library's name.</summary>
    public static HttpTransportOptions Default { get; } = new();
    /// <summary>Sends protobuf and likes it best in return; JSON when off.</summary>
    public bool Protobuf { get; init; } = true;
    /// <summary>Names the program to the server, in its audit log for one.</summary>
    public string UserAgent { get; init; } = "hanbae";
}
