using System.Runtime.CompilerServices;
using Google.Protobuf;
using Hanbae.Grpc.Wire;

namespace Hanbae.Grpc;

/// <summary>A call with messages flowing: written by one, read by one, and reset when disposed before its end.</summary>
/// <remarks>At most one write and one read at a time. Flow control is HTTP/2's: a write waits while the server does not read.</remarks>
public sealed class GrpcCall<TRequest, TResponse> : IAsyncDisposable
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    readonly HttpRequestMessage _request;
    readonly MessageParser<TResponse> _parser;
    readonly Deadline _deadline;
    readonly string _target;
    readonly int _limit;
    readonly Task<HttpResponseMessage> _response;
    FrameReader? _frames;
    bool _ended;

    internal GrpcCall(HttpMessageInvoker http, HttpRequestMessage request, MessageParser<TResponse> parser, Deadline deadline, string target, int limit)
    {
        (_request, _parser, _deadline, _target, _limit) = (request, parser, deadline, target, limit);
        _response = http.SendAsync(request, deadline.Token);
    }

    /// <exception cref="GrpcException">The server ended the call, with this status; or the connection broke.</exception>
    public async ValueTask WriteAsync(TRequest message, CancellationToken ct = default)
    {
        var content = (OpenContent)_request.Content!;
        using var link = _deadline.Follow(ct);
        try
        {
            if (!content.Stream.IsCompleted) await Task.WhenAny(content.Stream, _response);
            if (!content.Stream.IsCompletedSuccessfully) throw new IOException("the call ended before it could be written to");
            var body = await content.Stream;
            await Frame.WriteAsync(message, body, _deadline.Token);
            await body.FlushAsync(_deadline.Token);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            throw await WhyAsync(e, ct);
        }
    }

    /// <summary>Says that no more messages will be written; reading goes on.</summary>
    public void Complete() => (_request.Content as OpenContent)?.Close();

    /// <returns>The next message, or null when the server ended the call with OK.</returns>
    /// <exception cref="GrpcException">The server ended the call otherwise, or the connection broke.</exception>
    public async ValueTask<TResponse?> ReadAsync(CancellationToken ct = default)
    {
        if (_ended) return null;
        using var link = _deadline.Follow(ct);
        try
        {
            var response = await _response;
            if (_frames is null)
            {
                if (Statuses.FromHeaders(response) is { } refused) throw refused;
                _frames = new(await response.Content.ReadAsStreamAsync(_deadline.Token), _limit);
            }
            if (await _frames.ReadAsync(_parser, _deadline.Token) is { } message) return message;
            _ended = true;
            return Statuses.FromTrailers(response.TrailingHeaders) is { } failed ? throw failed : null;
        }
        catch (Exception e) when (e is not GrpcException)
        {
            throw _deadline.Explain(e, _target, ct);
        }
    }

    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken ct = default)
    {
        while (await ReadAsync(ct) is { } message) yield return message;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_ended) _deadline.Abandon();
        Complete();
        try
        {
            (await _response).Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            // Reading reported it already, or nobody wanted to know.
        }
        _frames?.Dispose();
        _request.Dispose();
        _deadline.Dispose();
    }

    /// <summary>A write that failed because the server had answered is explained by that answer.</summary>
    async Task<Exception> WhyAsync(Exception fault, CancellationToken ct)
    {
        try
        {
            var response = await _response;
            return Statuses.FromHeaders(response) ?? _deadline.Explain(fault, _target, ct);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return _deadline.Explain(e, _target, ct);
        }
    }
}
