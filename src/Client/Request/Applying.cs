using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Server-side apply of typed objects.</summary>
public static class Applying
{
    /// <summary>Says how an object should be: the fields that are set become those of <paramref name="fieldManager"/>, those it no longer sets are given up.</summary>
    /// <remarks>Creates the object if there is none. Build the object anew at each call: one that was read holds what others set, and would claim it.</remarks>
    /// <param name="force">Takes over fields that others own, as controllers do; otherwise they are a conflict (409).</param>
    /// <param name="subresource">Empty, or <c>status</c>.</param>
    public static Task<T> ApplyAsync<T>(this IClient client, T obj, string fieldManager, CancellationToken ct, bool force = true, string subresource = "") where T : class, IObject<T> =>
        client.PatchAsync<T>(Key.Of(obj), Intent(obj, fieldManager, force), ct, subresource);

    internal static Patch Intent(IObject obj, string fieldManager, bool force)
    {
        // The server refuses word of who manages what from those who apply.
        if (!obj.Metadata.ManagedFields.IsEmpty) obj = obj.WithMetadata(obj.Metadata with { ManagedFields = default });
        return Patch.Apply(obj.Kind().ToJson(obj), fieldManager, force);
    }
}
