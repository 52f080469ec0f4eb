using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Typed access to an API server.</summary>
/// <remarks>Every call throws <see cref="ApiException"/> for an error answer, except where its result says otherwise.</remarks>
public interface IClient
{
    /// <summary>Beneath the types: what carries the requests.</summary>
    IApiTransport Transport { get; }

    /// <returns>The object, or null when there is none.</returns>
    Task<T?> FindAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>The object, which must be there.</summary>
    Task<T> GetAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>What there is, or a page of it.</summary>
    Task<ListOf<T>> ListAsync<T>(ListQuery query, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>Creates; the answer is what the server made of it.</summary>
    Task<T> CreateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>Creates a subresource (binding, eviction, token): the answer is of the body's kind, or a Status.</summary>
    Task<IKind?> CreateAsync<T>(Key of, string subresource, IKind body, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>Replaces the object; its resourceVersion must be the current one.</summary>
    Task<T> UpdateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>Replaces what the object reports, and nothing else; its resourceVersion must be the current one.</summary>
    Task<T> UpdateStatusAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T>;
    /// <summary>Changes parts of the object, or of a subresource of it.</summary>
    Task<T> PatchAsync<T>(Key key, Patch patch, CancellationToken ct, string subresource = "") where T : class, IObject<T>;
    /// <summary>Asks for the end of the object: it may take its time, or wait for finalizers.</summary>
    Task DeleteAsync<T>(Key key, DeleteOptions options, CancellationToken ct) where T : class, IObject<T>;
}

/// <summary>What to list.</summary>
public sealed record ListQuery
{
    /// <summary>Everything, everywhere.</summary>
    public static ListQuery All { get; } = new();

    /// <summary>Empty for all namespaces.</summary>
    public string Namespace { get; init; } = "";
    /// <summary>Such as <c>app=web,tier in (front,back)</c>.</summary>
    public string LabelSelector { get; init; } = "";
    /// <summary>Such as <c>spec.nodeName=node-1</c>; which fields may be used depends on the kind.</summary>
    public string FieldSelector { get; init; } = "";
    /// <summary>Null: the most recent; "0": whatever the server has at hand.</summary>
    public string? ResourceVersion { get; init; }
    /// <summary><c>Exact</c> or <c>NotOlderThan</c>; empty for the server's reading of <see cref="ResourceVersion"/>.</summary>
    public string ResourceVersionMatch { get; init; } = "";
    /// <summary>At most so many in one answer; 0 for all.</summary>
    public int Limit { get; init; }
    /// <summary>Where the last answer left off.</summary>
    public string Continue { get; init; } = "";
}

/// <summary>A list and the revision at which it was true.</summary>
public sealed record ListOf<T>(string ResourceVersion, IReadOnlyList<T> Items)
{
    /// <summary>Asks for the next page; empty after the last.</summary>
    public string Continue { get; init; } = "";
}

/// <summary>A patch and its kind.</summary>
/// <param name="Type">The content type that names the kind of patch.</param>
public sealed record Patch(string Type, ReadOnlyMemory<byte> Body)
{
    /// <summary>Who owns the fields that the patch sets; needed for <see cref="Apply"/>.</summary>
    public string FieldManager { get; init; } = "";
    /// <summary>Takes over fields that others own.</summary>
    public bool Force { get; init; }

    /// <summary>JSON merge patch (RFC 7386): fields that are given replace, null takes away.</summary>
    public static Patch Merge(ReadOnlyMemory<byte> json) => new("application/merge-patch+json", json);
    /// <summary>Kubernetes' own: lists are merged by their keys. Not for custom resources.</summary>
    public static Patch Strategic(ReadOnlyMemory<byte> json) => new("application/strategic-merge-patch+json", json);
    /// <summary>Server-side apply.</summary>
    public static Patch Apply(ReadOnlyMemory<byte> json, string fieldManager, bool force = true) =>
        new("application/apply-patch+yaml", json) { FieldManager = fieldManager, Force = force };
    /// <summary>JSON patch (RFC 6902): a list of operations.</summary>
    public static Patch Json(ReadOnlyMemory<byte> json) => new("application/json-patch+json", json);
}
