using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Verbs;

/// <summary>Begins watches.</summary>
static class Watches
{
    public static async ValueTask<Reply> WatchAsync(Resource resource, ListTerms terms, ServerOptions options, CancellationToken ct)
    {
        var cache = resource.Stored.Cache;
        long? after = terms.Revision;
        bool initialEnd = terms.SendInitialEvents == true;
        if (after is null && terms.SendInitialEvents is not false || after is 0 && initialEnd)
        {
            // The state that the watch begins with is the newest, or any for "0".
            _ = after is 0 ? await cache.AnyAsync(ct).ConfigureAwait(false) : await cache.CurrentAsync(ct).ConfigureAwait(false);
            after = null;
        }
        else if (after is 0)
        {
            _ = await cache.AnyAsync(ct).ConfigureAwait(false);
            after = terms.SendInitialEvents is false ? cache.Revision : null;
        }
        else if (initialEnd)
        {
            // Not older than asked for: then what is there, and then its changes.
            await cache.NotOlderThanAsync(after!.Value, ct).ConfigureAwait(false);
            after = null;
        }
        else if (after is null) after = (await cache.CurrentAsync(ct).ConfigureAwait(false)).Revision;
        else _ = await cache.AnyAsync(ct).ConfigureAwait(false);

        if (after is null) await cache.Unreadable.CheckAsync(terms.Filter.Key(resource.Stored.Namespaced) ?? terms.Filter.Prefix, ct).ConfigureAwait(false);
        Watcher watcher;
        try { watcher = cache.Watch(terms.Filter, after, terms.Bookmarks, initialEnd && terms.Bookmarks); }
        // As upstream: a watch that was understood fails with an event, not with a status code.
        catch (StatusException e) when (e.Code == 410) { watcher = Watcher.Failed(terms.Filter, e.Status); }
        var time = terms.TimeoutSeconds is > 0 and int seconds ? TimeSpan.FromSeconds(seconds) : options.MinWatch * (1 + Random.Shared.NextDouble());
        return new WatchReply(resource, watcher, new(time));
    }
}

/// <summary>How a watch goes on once begun.</summary>
sealed record WatchTerms(TimeSpan Time);
