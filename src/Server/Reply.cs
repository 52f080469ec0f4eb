using Hanbae.Api;
using Hanbae.Server.Cache;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Server;

/// <summary>What a request is answered with, not yet encoded: the transport makes bytes of it, or hands the objects over.</summary>
public abstract record Reply(int Code)
{
    /// <summary>An object, encoded as the client accepts.</summary>
    public static Reply Object(IKind value, int code = 200) => new ObjectReply(code, value);
    public static Reply Text(string text, int code = 200) => new BytesReply(code, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text));
    public static Reply Bytes(string contentType, ReadOnlyMemory<byte> body, int code = 200) => new BytesReply(code, contentType, body);
    /// <summary>A body that is read while it grows; the transport disposes of it.</summary>
    public static Reply Stream(Stream body, string contentType, int code = 200) => new StreamReply(code, contentType, body);
}

public sealed record ObjectReply(int Code, IKind Value) : Reply(Code);

/// <summary>Bytes as they are.</summary>
public sealed record BytesReply(int Code, string ContentType, ReadOnlyMemory<byte> Body) : Reply(Code);

public sealed record StreamReply(int Code, string ContentType, Stream Body) : Reply(Code);

/// <summary>One stored object.</summary>
sealed record ItemReply(int Code, Resource Resource, Item Item) : Reply(Code);

/// <summary>Stored objects and where they stand in time.</summary>
sealed record ListReply(Resource Resource, Listing Listing) : Reply(200);

/// <summary>Events until the watch ends.</summary>
sealed record WatchReply(Resource Resource, Watcher Watcher, WatchTerms Terms) : Reply(200);

/// <summary>The handler answers on the connection itself: upgrades and proxied requests.</summary>
public sealed record RawReply(Func<HttpContext, Task> RunAsync) : Reply(200);
