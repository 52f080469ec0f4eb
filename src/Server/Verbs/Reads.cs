using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.Verbs;

/// <summary>Get and list, from the cache; old revisions that it no longer has from the store.</summary>
static class Reads
{
    const string ExpiredToken = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, "
        + "or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        + "modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    const string ExpiredVersion = "The resourceVersion for the provided list is too old.";

    public static async ValueTask<Item> GetAsync(RequestContext request, Resource resource, CancellationToken ct)
    {
        // Clients that still ask for it would take what is no export for one.
        if (request.Parameter("export") is not (null or "0" or ['f' or 'F', 'a' or 'A', 'l' or 'L', 's' or 'S', 'e' or 'E']))
            throw Statuses.BadRequest("the export parameter, deprecated since v1.14, is no longer supported");
        var cache = resource.Stored.Cache;
        string? version = request.Parameter("resourceVersion");
        if (string.IsNullOrEmpty(version)) return resource.View(await resource.Stored.GetAsync(request.Info.Namespace, request.Info.Name, ct).ConfigureAwait(false));
        var state = version == "0" ? await cache.AnyAsync(ct).ConfigureAwait(false)
            : ulong.TryParse(version, out ulong at) && at <= long.MaxValue ? await cache.NotOlderThanAsync((long)at, ct).ConfigureAwait(false)
            : throw Statuses.Unknown($"resourceVersion: Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax");
        string key = resource.Stored.KeyOf(request.Info.Namespace, request.Info.Name);
        if (cache.Unreadable.Find(key, out _)) return resource.View(await resource.Stored.GetAsync(request.Info.Namespace, request.Info.Name, ct).ConfigureAwait(false));
        var item = state.All.Find(key) ?? throw Statuses.NotFound(resource.Info.Gvr.GroupResource, request.Info.Name);
        return resource.View(item);
    }

    public static async ValueTask<Listing> ListAsync(Resource resource, ListTerms terms, CancellationToken ct)
    {
        var stored = resource.Stored;
        var cache = stored.Cache;
        ContinueToken? token = null;
        if (terms.Continue.Length > 0 && (token = ContinueToken.Decode(terms.Continue, out string error)) is null) throw Statuses.BadRequest(error);
        if (token is not null && terms.Revision > 0) throw Statuses.BadRequest("specifying resource version is not allowed when using continue");

        ResourceCache.State state;
        // A page at a revision that was named means that revision (upstream's reading from before resourceVersionMatch).
        bool exact = terms.Match == "Exact" || terms.Match.Length == 0 && terms.Limit > 0 && terms.Revision > 0;
        long? exactly = token is { Revision: > 0 } t ? t.Revision : token is null && exact ? terms.Revision : null;
        if (exactly is { } revision)
        {
            if (revision < stored.Snapshots.Oldest) throw Gone(terms, token?.Start ?? "");
            var current = await cache.NotOlderThanAsync(revision, ct).ConfigureAwait(false);
            if ((current.Revision == revision ? current : stored.Snapshots.Find(revision)) is not { } kept)
                return await HistoryAsync(resource, terms, revision, token?.Start ?? "", ct).ConfigureAwait(false);
            state = kept;
        }
        else state = terms.Revision switch
        {
            null => await cache.CurrentAsync(ct).ConfigureAwait(false),
            0 => await cache.AnyAsync(ct).ConfigureAwait(false),
            long at => await cache.NotOlderThanAsync(at, ct).ConfigureAwait(false),
        };

        var filter = terms.Filter;
        await cache.Unreadable.CheckAsync(filter.Key(stored.Namespaced) ?? filter.Prefix, ct).ConfigureAwait(false);
        // As upstream: what may be old is given whole.
        int limit = terms.ResourceVersion == "0" && token is null ? 0 : terms.Limit;
        if (filter.Key(stored.Namespaced) is { } key)
        {
            var one = state.All.Find(key);
            return new(one is not null && filter.Matches(one) ? [resource.View(one)] : [], state.Revision, "", null);
        }
        var items = state.All;
        if (exactly is null) (items, state) = cache.Narrow(filter, state);
        var page = Page(resource, items.Between(token?.Start ?? "", filter.Prefix), filter, limit, filter.IsEmpty && filter.Prefix.Length == 0 ? items.Count : 16, state.Revision);
        if (page.Continue.Length == 0) return page;
        stored.Snapshots.Keep(state);
        return filter.IsEmpty ? page with { Remaining = state.All.CountBetween(token?.Start ?? "", filter.Prefix) - page.Items.Count } : page;
    }

    static Listing Page(Resource resource, Sorted.Range range, Filter filter, int limit, int expected, long revision)
    {
        var found = new List<Item>(limit > 0 ? Math.Min(limit, expected) : expected);
        bool sameKind = resource.Info.Kind == resource.Stored.Kind;
        foreach (var item in range)
        {
            if (!filter.IsEmpty && !filter.Matches(item)) continue;
            if (limit > 0 && found.Count == limit) return new(found, revision, new ContinueToken(revision, found[^1].Key + "\0").Encode(), null);
            found.Add(sameKind ? item : resource.View(item));
        }
        return new(found, revision, "", null);
    }

    /// <summary>A revision that only the store still has.</summary>
    static async ValueTask<Listing> HistoryAsync(Resource resource, ListTerms terms, long revision, string start, CancellationToken ct)
    {
        var stored = resource.Stored;
        var range = KeyRange.Prefix(stored.Prefix + terms.Filter.Prefix);
        if (start.Length > 1) range = range.After(new(stored.Prefix + start.TrimEnd('\0')));
        try
        {
            var items = new List<Item>();
            await foreach (var page in stored.ReadAsync(range, revision, ct).ConfigureAwait(false))
            {
                // Only what the page needs, and one more to know that there is more.
                foreach (var item in page)
                    if (terms.Filter.Matches(item)) items.Add(item);
                if (terms.Limit > 0 && items.Count > terms.Limit) break;
            }
            return Page(resource, Sorted.From(items).Between("", ""), terms.Filter, terms.Limit, items.Count, revision);
        }
        catch (CompactedException) { throw Gone(terms, start); }
    }

    /// <summary>Whoever goes through pages is told how to go on without the first ones' consistency.</summary>
    static StatusException Gone(ListTerms terms, string start)
    {
        if (terms.Continue.Length == 0) return Statuses.Expired(ExpiredVersion);
        var error = Statuses.Expired(ExpiredToken).Status;
        return new(error with { Metadata = error.Metadata with { Continue = new ContinueToken(-1, start).Encode() } });
    }
}
