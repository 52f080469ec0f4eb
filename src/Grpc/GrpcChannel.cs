using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Hanbae.Grpc.Wire;

namespace Hanbae.Grpc;

/// <summary>Calls gRPC services at one address, over however many HTTP/2 connections that takes.</summary>
/// <remarks>
/// Dials with the first call and again after a broken connection; a call never waits for a server that is down but fails with
/// Unavailable, so the retry belongs to the loop that owns the call. Calls whose stream the server provably never processed
/// (REFUSED_STREAM, GOAWAY) are sent again by the transport itself.
/// </remarks>
public sealed class GrpcChannel : IDisposable
{
    readonly GrpcAddress _address;
    readonly GrpcChannelOptions _options;
    readonly HttpMessageInvoker _http;

    /// <param name="address"><c>unix:///run/x.sock</c>, <c>http://host:port</c> (clear-text HTTP/2) or <c>https://host:port</c>.</param>
    public GrpcChannel(string address, GrpcChannelOptions? options = null)
    {
        _address = GrpcAddress.Parse(address);
        _options = options ?? GrpcChannelOptions.Default;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true, // a server's stream limit must not block a call behind a hundred watches
            ConnectTimeout = _options.ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = _options.KeepAlive ?? Timeout.InfiniteTimeSpan,
            KeepAlivePingTimeout = _options.KeepAliveTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (_options.Tls is { } tls) handler.SslOptions = tls;
        if (_address.SocketPath is not null) handler.ConnectCallback = (_, ct) => _address.DialUnixAsync(ct);
        _http = new(handler);
    }

    public string Address => _address.Text;

    /// <summary>One message there, one message back.</summary>
    /// <exception cref="GrpcException">The call did not end with OK.</exception>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions options = default, CancellationToken ct = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var deadline = new Deadline(options.Timeout, _options.Time, ct);
        try
        {
            using var http = Request(method.Path, new MessageContent(request), options);
            using var response = await _http.SendAsync(http, deadline.Token);
            if (Statuses.FromHeaders(response) is { } refused) throw refused;

            var body = await response.Content.ReadAsStreamAsync(deadline.Token);
            using var frames = new FrameReader(body, _options.MaxReceiveMessageSize);
            var answer = await frames.ReadAsync(method.Responses, deadline.Token);
            // The trailers come after the end of the body, so the end has to be read even when the message is complete.
            var second = answer is null ? null : await frames.ReadAsync(method.Responses, deadline.Token);
            if (Statuses.FromTrailers(response.TrailingHeaders) is { } failed) throw failed;
            return second is null && answer is not null
                ? answer
                : throw new GrpcException(GrpcStatus.Internal, "cardinality violation: expected exactly one response message");
        }
        catch (Exception e) when (e is not GrpcException)
        {
            throw deadline.Explain(e, _address.Target, ct);
        }
    }

    /// <summary>One message there, a stream of messages back; leaving the enumeration cancels the call.</summary>
    public async IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions options = default, [EnumeratorCancellation] CancellationToken ct = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using var call = Start(method, new MessageContent(request), options, ct);
        while (await call.ReadAsync(ct) is { } message) yield return message;
    }

    /// <summary>A stream of messages there, one message back.</summary>
    public async Task<TResponse> ClientStreamAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, IAsyncEnumerable<TRequest> requests, GrpcCallOptions options = default, CancellationToken ct = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using var call = Open(method, options, ct);
        await foreach (var request in requests.WithCancellation(ct)) await call.WriteAsync(request, ct);
        call.Complete();
        var answer = await call.ReadAsync(ct);
        return answer is not null && await call.ReadAsync(ct) is null
            ? answer
            : throw new GrpcException(GrpcStatus.Internal, "cardinality violation: expected exactly one response message");
    }

    /// <summary>Messages both ways until either side ends the call.</summary>
    public GrpcCall<TRequest, TResponse> Open<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, GrpcCallOptions options = default, CancellationToken ct = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        Start(method, new OpenContent(), options, ct);

    public void Dispose() => _http.Dispose();

    GrpcCall<TRequest, TResponse> Start<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, HttpContent content, GrpcCallOptions options, CancellationToken ct)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(
            _http, Request(method.Path, content, options), method.Responses, new Deadline(options.Timeout, _options.Time, ct),
            _address.Target, _options.MaxReceiveMessageSize);

    HttpRequestMessage Request(string path, HttpContent content, GrpcCallOptions options)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _address.Uri(path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        HttpRequestHeaders headers = request.Headers;
        headers.TryAddWithoutValidation("te", "trailers");
        headers.TryAddWithoutValidation("user-agent", _options.UserAgent);
        if (options.Timeout is { } timeout && timeout != Timeout.InfiniteTimeSpan)
            headers.TryAddWithoutValidation(Statuses.TimeoutHeader, GrpcTimeout.Format(timeout));
        foreach (var (name, value) in options.Metadata ?? []) headers.TryAddWithoutValidation(name, value);
        return request;
    }
}
