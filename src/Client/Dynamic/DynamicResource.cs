using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Access to one resource whose type is learned at run time: built in, custom or aggregated. Objects are trees.</summary>
/// <remarks>Resources come from <see cref="ServerResources"/>. Every call throws <see cref="ApiException"/> for an error answer, except where its result says otherwise.</remarks>
public sealed class DynamicResource
{
    readonly ApiClient _client;

    internal DynamicResource(IClient client, ResourceInfo resource)
    {
        _client = client as ApiClient ?? new ApiClient(client.Transport);
        Resource = resource.AsTree();
    }

    /// <summary>Where it is served.</summary>
    public ResourceInfo Resource { get; }

    /// <returns>The object, or null when there is none.</returns>
    public async Task<Unstructured?> FindAsync(Key key, CancellationToken ct)
    {
        try { return await GetAsync(key, ct); }
        catch (ApiException e) when (e.IsNotFound) { return null; }
    }

    /// <summary>The object, which must be there.</summary>
    public async Task<Unstructured> GetAsync(Key key, CancellationToken ct) => Tree(await SendAsync(Requests.Get(Resource, key), ct));

    /// <summary>What there is, or a page of it.</summary>
    public async Task<ListOf<Unstructured>> ListAsync(ListQuery query, CancellationToken ct)
    {
        var list = (await SendAsync(Requests.List(Resource, query), ct)).List ?? throw new InvalidDataException("the server answered a list with something else");
        return new(list.Metadata.ResourceVersion, [.. list.Items.Select(Resource.Kind.Tree)]) { Continue = list.Metadata.Continue };
    }

    /// <summary>Creates; the answer is what the server made of it.</summary>
    public async Task<Unstructured> CreateAsync(Unstructured obj, CancellationToken ct) => Tree(await SendAsync(Body(Requests.Create(Resource, obj), obj), ct));

    /// <summary>Replaces the object, or a subresource such as <c>status</c>; its resourceVersion must be the current one.</summary>
    public async Task<Unstructured> UpdateAsync(Unstructured obj, CancellationToken ct, string subresource = "") => Tree(await SendAsync(Body(Requests.Update(Resource, obj, subresource), obj), ct));

    /// <summary>Changes parts of the object.</summary>
    public async Task<Unstructured> PatchAsync(Key key, Patch patch, CancellationToken ct, string subresource = "") => Tree(await SendAsync(Requests.Patch(Resource, key, patch, subresource), ct));

    /// <summary>Server-side apply: the fields that are set become those of <paramref name="fieldManager"/>.</summary>
    /// <param name="force">Takes over fields that others own; otherwise they are a conflict.</param>
    public Task<Unstructured> ApplyAsync(Unstructured obj, string fieldManager, CancellationToken ct, bool force = true, string subresource = "") =>
        PatchAsync(Key.Of(obj), Applying.Intent(obj, fieldManager, force), ct, subresource);

    /// <summary>Asks for the end of the object.</summary>
    public async Task DeleteAsync(Key key, DeleteOptions options, CancellationToken ct) => await _client.SendAsync(Requests.Delete(Resource, key, options), ct);

    /// <inheritdoc cref="Watcher.WatchAsync{T}(IClient, ListQuery, string, CancellationToken, bool)"/>
    public async IAsyncEnumerable<WatchEvent<Unstructured>> WatchAsync(ListQuery query, string resourceVersion = "", [EnumeratorCancellation] CancellationToken ct = default, bool bookmarks = false)
    {
        await foreach (var e in _client.Transport.WatchAsync(Requests.Watch(Resource, query, resourceVersion).InJson(), ct))
            if (Watcher.TypeOf(e) is var type && (bookmarks || type != WatchEventType.Bookmark)) yield return new(type, Resource.Kind.Tree(e.Object));
    }

    static ApiRequest Body(ApiRequest request, Unstructured obj) => request with { Object = null, Body = obj.Info.ToJson(obj), ContentType = Decoding.Json };

    Task<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => _client.SendAsync(request.InJson(), ct);

    Unstructured Tree(ApiResult result) => Resource.Kind.Tree(result.Object ?? throw new InvalidDataException($"expected {Resource.Kind}, got something else"));
}

/// <summary>The way from a client to resources that have no type here.</summary>
public static class DynamicClient
{
    /// <summary>A resource by where it is served.</summary>
    /// <param name="resource">From <see cref="ServerResources"/>.</param>
    public static DynamicResource Dynamic(this IClient client, ResourceInfo resource) => new(client, resource);
}
