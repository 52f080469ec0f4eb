using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Client;

/// <summary>The ways in which controllers write and read in bulk, on top of the plain calls.</summary>
public static class Writes
{
    /// <summary>How often a change is tried again after a conflict (client-go's <c>DefaultRetry</c> has five steps of 10 ms).</summary>
    const int Tries = 5;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>The object as it is now, or null when it is gone.</summary>
    public static Task<T?> FindAsync<T>(this IClient client, T obj, CancellationToken ct) where T : class, IObject<T> => client.FindAsync<T>(Key.Of(obj), ct);

    /// <summary>Asks for the end of the object; what must still be true stands in <paramref name="options"/>.</summary>
    public static Task DeleteAsync<T>(this IClient client, T obj, DeleteOptions options, CancellationToken ct) where T : class, IObject<T> =>
        client.DeleteAsync<T>(Key.Of(obj), options, ct);

    /// <summary>Asks for the end of whatever has that name now.</summary>
    public static Task DeleteAsync<T>(this IClient client, T obj, CancellationToken ct) where T : class, IObject<T> =>
        client.DeleteAsync<T>(Key.Of(obj), DeleteOptions.Empty, ct);

    /// <summary>Deletes, if it is there.</summary>
    /// <returns>Whether it was.</returns>
    public static async Task<bool> TryDeleteAsync<T>(this IClient client, Key key, DeleteOptions options, CancellationToken ct) where T : class, IObject<T>
    {
        try { await client.DeleteAsync<T>(key, options, ct); return true; }
        catch (Api.Rest.ApiException e) when (e.IsNotFound) { return false; }
    }

    /// <summary>Writes the status of <paramref name="next"/> unless it is what <paramref name="old"/> has already.</summary>
    /// <returns>The object as the server has it now, or <paramref name="old"/>.</returns>
    /// <exception cref="Api.Rest.ApiException">Above all a conflict: what was read is no longer the newest.</exception>
    public static Task<T> UpdateStatusIfChangedAsync<T>(this IClient client, T old, T next, CancellationToken ct) where T : class, IObject<T> =>
        old.Equals(next) ? Task.FromResult(old) : client.UpdateStatusAsync(next, ct);

    /// <summary>Reads, changes and writes, again from the start after a conflict, at most five times.</summary>
    /// <param name="change">Pure; returns the same object, or an equal one, when there is nothing to do.</param>
    /// <param name="subresource">Empty, or <c>status</c>.</param>
    public static async Task<T> UpdateWithRetryAsync<T>(
        this IClient client, Key key, Func<T, T> change, CancellationToken ct, string subresource = "", TimeProvider? time = null) where T : class, IObject<T>
    {
        for (int attempt = 1; ; attempt++)
        {
            var now = await client.GetAsync<T>(key, ct);
            var next = change(now);
            if (now.Equals(next)) return now;
            try
            {
                return subresource == "status"
                    ? await client.UpdateStatusAsync(next, ct)
                    : await client.UpdateAsync(next, ct);
            }
            catch (Api.Rest.ApiException e) when (e.IsConflict && attempt < Tries)
            {
                await Task.Delay(Pause, time ?? TimeProvider.System, ct);
            }
        }
    }

    /// <summary>All objects of a list, read page by page so that no answer is large.</summary>
    /// <exception cref="Api.Rest.ApiException">Expired, when the reader took longer than the server keeps the list's revision.</exception>
    public static async IAsyncEnumerable<T> EachAsync<T>(
        this IClient client, ListQuery query, [EnumeratorCancellation] CancellationToken ct = default) where T : class, IObject<T>
    {
        var page = query.Limit > 0 ? query : query with { Limit = 500 };
        while (true)
        {
            var list = await client.ListAsync<T>(page, ct);
            foreach (var item in list.Items) yield return item;
            if (list.Continue.Length == 0) yield break;
            page = page with { Continue = list.Continue };
        }
    }
}

/// <summary>What must still be true when a deletion arrives: <c>Preconditions.Uid(pod)</c>.</summary>
public static class DeletePreconditions
{
    extension(Preconditions)
    {
        /// <summary>Deletes this very object, not one of the same name that came after it.</summary>
        public static DeleteOptions Uid(IObject obj) => new() { Preconditions = new() { Uid = obj.Metadata.Uid } };

        /// <summary>Deletes the object only as it was seen.</summary>
        public static DeleteOptions Unchanged(IObject obj) =>
            new() { Preconditions = new() { Uid = obj.Metadata.Uid, ResourceVersion = obj.Metadata.ResourceVersion } };
    }
}
