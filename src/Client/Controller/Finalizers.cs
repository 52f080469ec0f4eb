using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Holds an object back from its end until what hangs on it is cleaned up.</summary>
/// <remarks>Each write says which version it was made for: when somebody wrote meanwhile it is a conflict, and the key comes again.</remarks>
public static class Finalizers
{
    /// <summary>Whether the object's end waits for <paramref name="finalizer"/>.</summary>
    public static bool HasFinalizer(this IObject obj, string finalizer) => obj.Metadata.Finalizers.Contains(finalizer);

    /// <summary>The object with the finalizer, written if it was not there.</summary>
    /// <param name="finalizer">With a domain of one's own: <c>shop.example.com/dns</c>.</param>
    public static Task<T> AddFinalizerAsync<T>(this IClient client, T obj, string finalizer, CancellationToken ct) where T : class, IObject<T> =>
        obj.HasFinalizer(finalizer) ? Task.FromResult(obj) : SetAsync(client, obj, obj.Metadata.Finalizers.Add(finalizer), ct);

    /// <summary>Takes the finalizer away; when it is the last the object is gone with this.</summary>
    public static async Task RemoveFinalizerAsync<T>(this IClient client, T obj, string finalizer, CancellationToken ct) where T : class, IObject<T>
    {
        if (!obj.HasFinalizer(finalizer)) return;
        try { await SetAsync(client, obj, [.. obj.Metadata.Finalizers.Where(f => f != finalizer)], ct); }
        catch (ApiException e) when (e.IsNotFound) { }
    }

    static Task<T> SetAsync<T>(IClient client, T obj, Seq<string> finalizers, CancellationToken ct) where T : class, IObject<T>
    {
        var metadata = JsonObject.Empty.With("finalizers", new JsonArray([.. finalizers.Select(f => (JsonValue)f)])).With("uid", obj.Metadata.Uid).With("resourceVersion", obj.Metadata.ResourceVersion);
        return client.PatchAsync<T>(Key.Of(obj), Patch.Merge(JsonObject.Empty.With("metadata", metadata).ToUtf8()), ct);
    }
}
