using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Hanbae.Server.Cache;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.InProcess;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Front;

/// <summary>Runs the chain for HTTP requests and writes its answers.</summary>
sealed partial class ReplyWriter(Handler handler, ServerOptions options, CancellationToken stopping, SlowClients clients)
{
    /// <summary>As upstream: smaller answers are not worth compressing.</summary>
    const int CompressFrom = 128 * 1024;
    const int FlushEvery = 128 * 1024;
    /// <summary>As upstream: warnings beyond so many characters are left out rather than break clients that bound headers.</summary>
    const int WarningCharacters = 4096;
    static readonly Microsoft.Extensions.Primitives.StringValues s_private = "no-cache, private";

    public async Task RunAsync(HttpContext http)
    {
        var request = new HttpRequestContext(http, options.BodyLimit);
        clients.Enter(request);
        try
        {
            var reply = request.IsPlain ? await handler(request).ConfigureAwait(false) : Reply.Object(Statuses.From(Statuses.BadRequest("the request can be read in more than one way")), 400);
            await WriteAsync(http, request, reply).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested) { } // the client left
        catch (IOException) when (http.RequestAborted.IsCancellationRequested) { }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            // Encoding failed: the one thing that the chain cannot catch.
            Log.NotEncoded(options.Logger, e, request.Method, request.Path);
            http.Response.Clear();
            await WriteAsync(http, request, Reply.Object(Statuses.From(e), 500)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.Aborted(options.Logger, e, request.Method, request.Path);
            http.Abort();
        }
        finally { await request.EndedAsync().ConfigureAwait(false); }
    }

    async Task WriteAsync(HttpContext http, HttpRequestContext request, Reply reply)
    {
        var response = http.Response;
        foreach (var (name, value) in request.ReplyHeaders) response.Headers.Append(name, value);
        // What one user may see no cache may show another.
        if (response.Headers.CacheControl.Count == 0) response.Headers.CacheControl = s_private;
        int left = WarningCharacters;
        foreach (string warning in request.Warnings)
        {
            if ((left -= warning.Length) < 0) break;
            response.Headers.Append("Warning", "299 - " + Quoted(warning));
        }
        // A watch of this server says itself when it has begun; one that is another server's has begun when that one answers.
        if (reply is (RawReply or StreamReply) && request.Info.Verb == "watch") request.Began();
        switch (reply)
        {
            case ItemReply r: await ItemAsync(http, request, r).ConfigureAwait(false); break;
            case ListReply r: await ListAsync(http, request, r).ConfigureAwait(false); break;
            case WatchReply r: await WatchAsync(http, request, r).ConfigureAwait(false); break;
            case ObjectReply r: await BytesAsync(http, r.Code, request.Output.ContentType, Encoder.Object(request.Output, r.Value)).ConfigureAwait(false); break;
            case BytesReply r: await BytesAsync(http, r.Code, r.ContentType, r.Body).ConfigureAwait(false); break;
            case StreamReply r: await StreamAsync(http, request, r).ConfigureAwait(false); break;
            case RawReply r: await r.RunAsync(http).ConfigureAwait(false); break;
        }
    }

    static async Task BytesAsync(HttpContext http, int code, string type, ReadOnlyMemory<byte> body)
    {
        var response = http.Response;
        response.StatusCode = code;
        response.ContentType = type;
        if (code == 404 && type.StartsWith("text/plain", StringComparison.Ordinal)) response.Headers.XContentTypeOptions = "nosniff";
        if (body.Length >= CompressFrom && Accepts(http))
        {
            var to = Compressed(response);
            await to.WriteAsync(body, http.RequestAborted).ConfigureAwait(false);
            await to.CompleteAsync().ConfigureAwait(false);
            return;
        }
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(http.Request.Method)) return;
        await response.BodyWriter.WriteAsync(body, http.RequestAborted).ConfigureAwait(false);
    }

    async Task ItemAsync(HttpContext http, RequestContext request, ItemReply reply)
    {
        var output = request.Output;
        var now = options.Time.GetUtcNow();
        if (Encoder.IsPrinted(output) || reply.Item.Json.Length >= CompressFrom)
        {
            var whole = new ArrayBufferWriter<byte>(reply.Item.Json.Length + 1024);
            Encoder.Item(whole, output, reply.Resource, reply.Item, now);
            byte[] body = output.Format == Format.Protobuf ? whole.WrittenSpan.ToArray() : Encoder.Finish(output, whole.WrittenSpan);
            await BytesAsync(http, reply.Code, output.ContentType, body).ConfigureAwait(false);
            return;
        }
        http.Response.StatusCode = reply.Code;
        http.Response.ContentType = output.ContentType;
        var to = http.Response.BodyWriter;
        if (output is { Shape: Shape.Full, Format: Format.Json })
        {
            var json = reply.Item.Json;
            http.Response.ContentLength = json.Length + 1;
            if (HttpMethods.IsHead(http.Request.Method)) return;
            json.WriteTo(to);
        }
        else Encoder.Item(to, output, reply.Resource, reply.Item, now);
        if (output.Format == Format.Json) to.Write("\n"u8);
        await to.FlushAsync(http.RequestAborted).ConfigureAwait(false);
    }

    async Task ListAsync(HttpContext http, RequestContext request, ListReply reply)
    {
        var output = request.Output;
        var response = http.Response;
        var now = options.Time.GetUtcNow();
        if (Encoder.IsPrinted(output))
        {
            var whole = new MemoryStream();
            var pipe = PipeWriter.Create(whole, new(leaveOpen: true));
            await ListEncoder.WriteAsync(pipe, output with { Pretty = false, Format = Format.Json }, reply.Resource, reply.Listing, now, http.RequestAborted).ConfigureAwait(false);
            await pipe.CompleteAsync().ConfigureAwait(false);
            await BytesAsync(http, 200, output.ContentType, Encoder.Finish(output, whole.GetBuffer().AsSpan(0, (int)whole.Length - 1))).ConfigureAwait(false);
            return;
        }
        response.StatusCode = 200;
        response.ContentType = output.ContentType;
        bool large = Size(reply.Listing.Items) >= CompressFrom && Accepts(http);
        var to = large ? Compressed(response) : response.BodyWriter;
        await ListEncoder.WriteAsync(to, output, reply.Resource, reply.Listing, now, http.RequestAborted).ConfigureAwait(false);
        if (large) await to.CompleteAsync().ConfigureAwait(false);
        else await to.FlushAsync(http.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>As far as it decides about compression.</summary>
    static long Size(IReadOnlyList<Item> items)
    {
        long size = 0;
        for (int i = 0; i < items.Count && size < CompressFrom; i++) size += items[i].Json.Length;
        return size;
    }

    async Task WatchAsync(HttpContext http, HttpRequestContext request, WatchReply reply)
    {
        var output = request.Output with { Pretty = false };
        if (output.Format == Format.Yaml) output = output with { Format = Format.Json };
        var watcher = reply.Watcher;
        using var end = new WatchEnd(reply, options.Time, stopping, http.RequestAborted);
        try
        {
            http.Response.StatusCode = 200;
            http.Response.ContentType = output.WatchContentType;
            var to = http.Response.BodyWriter;
            // The client waits for the headers, and for nothing else, when nothing happens.
            await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
            await FlushAsync(request, to).ConfigureAwait(false);
            var encoder = new WatchEncoder(output, reply.Resource, options.Time);
            var blocks = new BlockWriter(to);
            foreach (var item in watcher.Initial)
            {
                encoder.Write(blocks, new(EventType.Added, item, item.Revision));
                if (to.UnflushedBytes > FlushEvery) await FlushAsync(request, to, blocks).ConfigureAwait(false);
            }
            watcher.Initial = [];
            await FlushAsync(request, to, blocks).ConfigureAwait(false);
            request.Began();
            var cache = reply.Resource.Stored.Cache;
            var events = new List<ItemEvent>();
            while (await watcher.TakeAsync(ref events).ConfigureAwait(false))
            {
                foreach (var e in events)
                {
                    encoder.Write(blocks, e);
                    if (to.UnflushedBytes > FlushEvery) await FlushAsync(request, to, blocks).ConfigureAwait(false);
                }
                cache.CountSent(events.Count);
                await FlushAsync(request, to, blocks).ConfigureAwait(false);
            }
            if (watcher.Error is { } error)
            {
                encoder.Error(to, error);
                await FlushAsync(request, to).ConfigureAwait(false);
            }
        }
        finally { watcher.Leave(); }
    }

    async Task StreamAsync(HttpContext http, HttpRequestContext request, StreamReply reply)
    {
        await using var body = reply.Body;
        http.Response.StatusCode = reply.Code;
        http.Response.ContentType = reply.ContentType;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(32 * 1024);
        try
        {
            await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
            int read;
            while ((read = await body.ReadAsync(buffer, http.RequestAborted).ConfigureAwait(false)) > 0)
            {
                http.Response.BodyWriter.Write(buffer.AsSpan(0, read));
                await FlushAsync(request, http.Response.BodyWriter).ConfigureAwait(false);
            }
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    ValueTask FlushAsync(HttpRequestContext request, PipeWriter to, BlockWriter blocks)
    {
        blocks.Commit();
        return to.UnflushedBytes > 0 ? FlushAsync(request, to) : default;
    }

    /// <summary>Notes for how long the client does not take what it is sent.</summary>
    async ValueTask FlushAsync(HttpRequestContext request, PipeWriter to)
    {
        var taken = to.FlushAsync(request.Http.RequestAborted);
        if (!taken.IsCompletedSuccessfully) clients.Wait(request);
        await taken.ConfigureAwait(false);
        request.Unread = 0;
    }

    static bool Accepts(HttpContext http) => http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal);

    static PipeWriter Compressed(HttpResponse response)
    {
        response.Headers.ContentEncoding = "gzip";
        response.Headers.Append("Vary", "Accept-Encoding");
        return PipeWriter.Create(new GZipStream(response.Body, CompressionLevel.Fastest));
    }

    /// <summary>A quoted string of a header: upstream's warning text.</summary>
    static string Quoted(string text)
    {
        var quoted = new System.Text.StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\');
            quoted.Append(c is < ' ' or > '~' ? ' ' : c);
        }
        return quoted.Append('"').ToString();
    }

    static partial class Log
    {
        [LoggerMessage(2003, LogLevel.Error, "The answer to {Method} {Path} could not be encoded")]
        public static partial void NotEncoded(ILogger logger, Exception e, string method, string path);

        [LoggerMessage(2004, LogLevel.Warning, "The answer to {Method} {Path} was broken off after it had begun")]
        public static partial void Aborted(ILogger logger, Exception e, string method, string path);
    }
}
