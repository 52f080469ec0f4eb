using Google.Protobuf;
using Hanbae.Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hanbae.Grpc.Server;

/// <summary>Which function answers which gRPC method; a <see cref="RequestDelegate"/> that any Kestrel pipeline can carry.</summary>
/// <remarks>A handler answers another status than OK by throwing a <see cref="GrpcException"/>; any other exception becomes Unknown, as in Go.</remarks>
public sealed class GrpcService
{
    readonly Dictionary<string, Func<GrpcExchange, Task>> _methods = [];
    readonly HashSet<string> _services = [];

    /// <summary>A larger request ends its call with ResourceExhausted; 4 MiB is Go's default.</summary>
    public int MaxReceiveMessageSize { get; init; } = 4 << 20;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public GrpcService Unary<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, Func<TRequest, CancellationToken, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        Add(method, async exchange =>
            await exchange.WriteAsync(await handler(await exchange.ReadOneAsync(method.Requests), exchange.Token)));

    public GrpcService ServerStream<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<TRequest, CancellationToken, IAsyncEnumerable<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        Add(method, async exchange =>
        {
            var request = await exchange.ReadOneAsync(method.Requests);
            await exchange.WriteAllAsync(handler(request, exchange.Token));
        });

    public GrpcService ClientStream<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<IAsyncEnumerable<TRequest>, CancellationToken, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        Add(method, async exchange =>
            await exchange.WriteAsync(await handler(exchange.ReadAllAsync(method.Requests), exchange.Token)));

    public GrpcService Duplex<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<IAsyncEnumerable<TRequest>, CancellationToken, IAsyncEnumerable<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        Add(method, exchange => exchange.WriteAllAsync(handler(exchange.ReadAllAsync(method.Requests), exchange.Token)));

    public Task HandleAsync(HttpContext context) => HandleAsync(context, CancellationToken.None);

    /// <param name="stopping">Ends running calls with Unavailable.</param>
    internal async Task HandleAsync(HttpContext context, CancellationToken stopping)
    {
        var http = context.Request;
        if (http.Method != HttpMethods.Post || http.ContentType?.StartsWith(Statuses.ContentType, StringComparison.OrdinalIgnoreCase) != true)
        {
            context.Response.StatusCode = http.Method == HttpMethods.Post ? StatusCodes.Status415UnsupportedMediaType : StatusCodes.Status405MethodNotAllowed;
            return;
        }
        // A watch lives long and says little: Kestrel's slow-body guard is not meant for it.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        context.Response.ContentType = Statuses.ContentType;

        using var exchange = new GrpcExchange(context, MaxReceiveMessageSize, Time, stopping);
        try
        {
            string path = http.Path.Value ?? "";
            await (_methods.TryGetValue(path, out var method) ? method(exchange) : throw Unknown(path));
            exchange.End(GrpcStatus.OK, "");
        }
        catch (GrpcException e)
        {
            exchange.End(e.Status, e.Detail);
        }
        catch (OperationCanceledException) when (exchange.Token.IsCancellationRequested)
        {
            exchange.EndCanceled();
        }
        catch (Exception e) when (e is not IOException || !context.RequestAborted.IsCancellationRequested)
        {
            exchange.End(GrpcStatus.Unknown, e.Message);
        }
    }

    GrpcService Add<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, Func<GrpcExchange, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        _methods.Add(method.Path, handler);
        _services.Add(method.Service);
        return this;
    }

    GrpcException Unknown(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash <= 0) return new(GrpcStatus.Unimplemented, $"malformed method name: \"{path}\"");
        string service = path[1..slash];
        return new(GrpcStatus.Unimplemented, _services.Contains(service)
            ? $"unknown method {path[(slash + 1)..]} for service {service}"
            : $"unknown service {service}");
    }
}
