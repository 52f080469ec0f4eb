using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>What a watch tells of an object.</summary>
public enum WatchEventType : byte
{
    /// <summary>It is there: new, or not known to this watch until now.</summary>
    Added,
    /// <summary>It is another than it was.</summary>
    Modified,
    /// <summary>It is gone, or no longer among what is watched; this is its last state.</summary>
    Deleted,
    /// <summary>Nothing happened up to this revision: only <c>metadata.resourceVersion</c> counts.</summary>
    Bookmark,
}

/// <summary>One thing that a watcher tells.</summary>
public readonly record struct WatchEvent<T>(WatchEventType Type, T Object) where T : class, IObject;

/// <summary>The lower of two levels: a watcher tells what changes, and nothing else.</summary>
/// <remarks>
/// One request, one stream. It keeps no state and does not come back by itself: it ends when the server ends it (after some minutes, as a
/// rule) or the line breaks, and what happened meanwhile is the caller's to find out. Whoever needs the state, or has to survive that, wants the
/// upper level: an <see cref="Informer{T}"/>.
/// </remarks>
public static class Watcher
{
    /// <summary>Changes as they happen, until the server ends the stream.</summary>
    /// <param name="query">Its namespace and selectors count.</param>
    /// <param name="resourceVersion">Changes after this, such as a list's; empty: first what there is, as <see cref="WatchEventType.Added"/>.</param>
    /// <param name="bookmarks">Tells of revisions without changes, too, so that a later watch need not begin far back.</param>
    /// <exception cref="ApiException">It was refused, or broke off; <see cref="ApiException.IsExpired"/> (410): the revision is gone, list again.</exception>
    public static async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        this IClient client, ListQuery query, string resourceVersion = "", [EnumeratorCancellation] CancellationToken ct = default, bool bookmarks = false) where T : class, IObject<T>
    {
        await foreach (var e in client.Transport.WatchAsync(Requests.Watch<T>(query, resourceVersion), ct))
            if (TypeOf(e) is var type && (bookmarks || type != WatchEventType.Bookmark)) yield return new(type, (T)Answers.To(e.Object, T.Info));
    }

    /// <summary>Changes everywhere, what there is first.</summary>
    /// <inheritdoc cref="WatchAsync{T}(IClient, ListQuery, string, CancellationToken, bool)"/>
    public static IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(this IClient client, CancellationToken ct = default) where T : class, IObject<T> =>
        client.WatchAsync<T>(ListQuery.All, "", ct);

    internal static WatchEventType TypeOf(ApiEvent e) => e.Type switch
    {
        "ADDED" => WatchEventType.Added,
        "MODIFIED" => WatchEventType.Modified,
        "DELETED" => WatchEventType.Deleted,
        "BOOKMARK" => WatchEventType.Bookmark,
        _ => throw new InvalidDataException("unknown watch event " + e.Type),
    };
}
