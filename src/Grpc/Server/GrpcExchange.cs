using System.Globalization;
using Google.Protobuf;
using Hanbae.Grpc.Wire;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Grpc.Server;

/// <summary>One call as its server sees it: requests in, responses out, a status at the end, and the client's deadline over all.</summary>
internal sealed class GrpcExchange : IDisposable
{
    readonly HttpContext _context;
    readonly FrameReader _frames;
    readonly CancellationTokenSource? _deadline;
    readonly CancellationTokenSource? _linked;
    readonly CancellationToken _stopping;

    public GrpcExchange(HttpContext context, int limit, TimeProvider time, CancellationToken stopping)
    {
        _context = context;
        _stopping = stopping;
        _frames = new(context.Request.Body, limit);
        if (GrpcTimeout.TryParse(context.Request.Headers[Statuses.TimeoutHeader].ToString(), out var timeout)) _deadline = new(timeout, time);
        if (_deadline is null && !stopping.CanBeCanceled)
        {
            Token = context.RequestAborted;
            return;
        }
        _linked = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping, _deadline?.Token ?? default);
        Token = _linked.Token;
    }

    /// <summary>Cancelled when the client went away, its deadline passed or the server stops.</summary>
    public CancellationToken Token { get; }

    public async ValueTask<T> ReadOneAsync<T>(MessageParser<T> parser) where T : class, IMessage<T>
    {
        var request = await _frames.ReadAsync(parser, Token);
        return request is not null && await _frames.ReadAsync(parser, Token) is null
            ? request
            : throw new GrpcException(GrpcStatus.Internal, "cardinality violation: expected exactly one request message");
    }

    public async IAsyncEnumerable<T> ReadAllAsync<T>(MessageParser<T> parser) where T : class, IMessage<T>
    {
        while (await _frames.ReadAsync(parser, Token) is { } message) yield return message;
    }

    public async ValueTask WriteAsync(IMessage message)
    {
        var body = _context.Response.BodyWriter;
        int size = Frame.SizeOf(message);
        Frame.Write(message, body.GetSpan(size)[..size]);
        body.Advance(size);
        await body.FlushAsync(Token);
    }

    public async Task WriteAllAsync<T>(IAsyncEnumerable<T> messages) where T : class, IMessage<T>
    {
        await foreach (var message in messages.WithCancellation(Token)) await WriteAsync(message);
    }

    /// <summary>In trailers after a body; without one in the headers, which then are all there is.</summary>
    public void End(GrpcStatus status, string detail)
    {
        string code = ((int)status).ToString(CultureInfo.InvariantCulture);
        if (_context.Response.HasStarted)
        {
            _context.Response.AppendTrailer(Statuses.StatusHeader, code);
            if (detail.Length > 0) _context.Response.AppendTrailer(Statuses.MessageHeader, PercentText.Encode(detail));
        }
        else
        {
            _context.Response.Headers[Statuses.StatusHeader] = code;
            if (detail.Length > 0) _context.Response.Headers[Statuses.MessageHeader] = PercentText.Encode(detail);
        }
    }

    public void EndCanceled()
    {
        if (_deadline?.IsCancellationRequested == true) End(GrpcStatus.DeadlineExceeded, "context deadline exceeded");
        else if (_stopping.IsCancellationRequested) End(GrpcStatus.Unavailable, "the server is stopping");
        else End(GrpcStatus.Canceled, "context canceled");
    }

    public void Dispose()
    {
        _frames.Dispose();
        _linked?.Dispose();
        _deadline?.Dispose();
    }
}
