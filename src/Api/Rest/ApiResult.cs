using Hanbae.Api.Meta.V1;

namespace Hanbae.Api.Rest;

/// <summary>The answer to a request that is not a watch.</summary>
public sealed record ApiResult
{
    /// <summary>HTTP status code.</summary>
    public required int Code { get; init; }
    /// <summary>The object, when the answer is one (a <see cref="Status"/> for errors and most deletes).</summary>
    public IKind? Object { get; init; }
    /// <summary>The list, when the answer is one.</summary>
    public ApiList? List { get; init; }
    /// <summary>The body, when it is neither (logs, version, health).</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
    /// <summary>Texts of <c>Warning</c> headers.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A list of objects and the revision at which it was true.</summary>
public sealed record ApiList(ListMeta Metadata, IReadOnlyList<IObject> Items);

/// <summary>One event of a watch.</summary>
/// <param name="Type"><c>ADDED</c>, <c>MODIFIED</c>, <c>DELETED</c>, <c>BOOKMARK</c>; errors are thrown as <see cref="ApiException"/>.</param>
public readonly record struct ApiEvent(string Type, IObject Object);

/// <summary>An error answer, with the <see cref="Status"/> that says what and why.</summary>
public sealed class ApiException(Status status) : Exception(status.Message)
{
    public Status Status { get; } = status;
    public int Code => Status.Code;
    public string Reason => Status.Reason;

    public bool IsNotFound => Reason == "NotFound";
    public bool IsConflict => Reason == "Conflict";
    public bool IsAlreadyExists => Reason == "AlreadyExists";
    /// <summary>The namespace goes away, and takes nothing more: there is no use in trying again.</summary>
    public bool IsNamespaceTerminating => Status.Details?.Causes.Exists(c => c.Reason == "NamespaceTerminating") ?? false;
    /// <summary>The revision asked for is compacted: list again.</summary>
    public bool IsExpired => Reason is "Expired" or "Gone";
}

/// <summary>Carries requests to an API server. Implemented over HTTPS by the client, and by the server itself for callers in its process.</summary>
public interface IApiTransport
{
    /// <returns>The answer whatever its code; it is the client that turns errors into exceptions.</returns>
    ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct);

    /// <summary>A watch (<c>watch=true</c> in the query): events until the server ends it.</summary>
    /// <exception cref="ApiException">The watch was refused, or broke off with an error event (410 Expired above all).</exception>
    IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct);

    /// <summary>A body that is read while it grows, such as a followed log.</summary>
    /// <exception cref="ApiException"/>
    ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct);
}
