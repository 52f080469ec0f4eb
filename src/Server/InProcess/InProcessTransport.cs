using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;

namespace Hanbae.Server.InProcess;

/// <summary>The server as a transport (decision 6): the same chain, but objects go in and out by reference.</summary>
sealed class InProcessTransport(ApiServer server) : IApiTransport
{
    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        var context = InProcessContext.Of(request, ct);
        try
        {
            var reply = await server.Handler(context).ConfigureAwait(false);
            return reply switch
            {
                ItemReply r => new() { Code = r.Code, Object = Shaped(context.Output, r.Item), Warnings = context.Warnings },
                ListReply r => new() { Code = r.Code, List = new(Encoder.MetaOf(r.Listing), [.. r.Listing.Items.Select(i => Shaped(context.Output, i))]), Warnings = context.Warnings },
                ObjectReply r => new() { Code = r.Code, Object = r.Value, Warnings = context.Warnings },
                BytesReply r => new() { Code = r.Code, Body = r.Body, Warnings = context.Warnings },
                StreamReply r => new() { Code = r.Code, Body = await ReadAsync(r.Body, ct).ConfigureAwait(false), Warnings = context.Warnings },
                WatchReply r => Left(r.Watcher, Statuses.BadRequest("a watch is read as a watch")),
                _ => Failed(Statuses.BadRequest("Upgrade request required")),
            };
        }
        finally { await context.EndedAsync().ConfigureAwait(false); }
    }

    static ApiResult Left(Watcher watcher, StatusException why)
    {
        watcher.Leave();
        return Failed(why);
    }

    static ApiResult Failed(StatusException why) => new() { Code = why.Code, Object = why.Status };

    static IObject Shaped(Output output, Item item) => output.Shape == Shape.Metadata ? Encoder.Partial(item) : item.Object;

    static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(Stream body, CancellationToken ct)
    {
        await using (body)
        {
            var whole = new MemoryStream();
            await body.CopyToAsync(whole, ct).ConfigureAwait(false);
            return whole.ToArray();
        }
    }

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        var context = InProcessContext.Of(request, ct);
        Watcher? watcher = null;
        WatchEnd? end = null;
        try
        {
            var reply = await server.Handler(context).ConfigureAwait(false);
            if (reply is not WatchReply watch)
            {
                // Whoever left meanwhile hears that, not what became of the request.
                ct.ThrowIfCancellationRequested();
                throw new ApiException(StatusOf(reply));
            }
            watcher = watch.Watcher;
            end = new WatchEnd(watch, server.Options.Time, server.Stopping, ct);
            foreach (var item in watcher.Initial) yield return new("ADDED", Shaped(context.Output, watch.Resource.View(item)));
            watcher.Initial = [];
            context.Began();
            var events = new List<ItemEvent>();
            while (await watcher.TakeAsync(ref events).ConfigureAwait(false))
                foreach (var e in events)
                {
                    ct.ThrowIfCancellationRequested();
                    yield return new(WatchEncoder.Name(e.Type), e.Item is null ? WatchEncoder.Empty(watch.Resource.Info.Kind, WatchEncoder.MetaOf(e)) : Shaped(context.Output, watch.Resource.View(e.Item)));
                }
            if (watcher.Error is { } error) throw new ApiException(error);
            ct.ThrowIfCancellationRequested();
        }
        finally
        {
            end?.Dispose();
            watcher?.Leave();
            await context.EndedAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct)
    {
        var context = InProcessContext.Of(request, ct);
        try
        {
            var reply = await server.Handler(context).ConfigureAwait(false);
            return reply switch
            {
                StreamReply { Code: < 300 } r => r.Body,
                BytesReply { Code: < 300 } r => new MemoryStream(r.Body.ToArray(), writable: false),
                _ => throw new ApiException(StatusOf(reply)),
            };
        }
        finally { await context.EndedAsync().ConfigureAwait(false); }
    }

    static Status StatusOf(Reply reply) => reply switch
    {
        ObjectReply { Value: Status status } => status,
        BytesReply r => Statuses.Failure(r.Code, r.Code == 404 ? "NotFound" : "", System.Text.Encoding.UTF8.GetString(r.Body.Span)),
        _ => Statuses.Failure(500, "InternalError", "the answer is not what was asked for"),
    };
}
