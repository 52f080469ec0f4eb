using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Cache;

/// <summary>Lets authorization and admission look at what the server serves: its own caches, where upstream runs informers against itself.</summary>
/// <remarks>
/// Made before the server, since the server is made with plugins that look through it; nothing can be found until <see cref="Attach"/>.
/// </remarks>
/// <param name="soleWriter">Nobody else writes to the store: then reads see every write that was answered before. Otherwise they are as current as the watch is, as upstream's.</param>
public sealed class ServedObjects(bool soleWriter = true)
{
    readonly ConcurrentDictionary<GroupResource, StoredResource?> _known = new();
    Func<GroupResource, StoredResource?> _find = static _ => null;

    /// <param name="find">The stored resource of that name; null when it is not served.</param>
    public void Attach(Func<GroupResource, StoredResource?> find)
    {
        _find = find;
        _known.Clear();
    }

    /// <summary>Where objects of that resource are, for plugins that write; null when it is not served.</summary>
    public StoredResource? Stored(GroupResource resource) => _find(resource);

    /// <summary>The object, or null when it does not exist or its kind is not served.</summary>
    public async ValueTask<T?> FindAsync<T>(string ns, string name, CancellationToken ct) where T : class, IObject<T> =>
        Of<T>() is not { } stored ? null
        : (soleWriter ? await stored.FindAsync(ns, name, ct).ConfigureAwait(false) : (await AllAsync(stored, ct).ConfigureAwait(false)).Find(stored.KeyOf(ns, name)))?.Object as T;

    /// <param name="ns">Empty for all namespaces, and for what has none.</param>
    public async ValueTask<IReadOnlyList<T>> ListAsync<T>(string ns, CancellationToken ct) where T : class, IObject<T>
    {
        if (Of<T>() is not { } stored) return [];
        var found = new List<T>();
        foreach (var item in (await AllAsync(stored, ct).ConfigureAwait(false)).Between("", ns.Length == 0 ? "" : ns + "/")) found.Add((T)item.Object);
        return found;
    }

    /// <summary>Those with that value in a field that the kind indexes.</summary>
    public async ValueTask<IReadOnlyList<T>> WithFieldAsync<T>(string field, string value, CancellationToken ct) where T : class, IObject<T>
    {
        if (Of<T>() is not { } stored) return [];
        await AllAsync(stored, ct).ConfigureAwait(false);
        var filter = new Filter(stored.Strategy, "", "", Selector.Everything, FieldSelector.Of(new FieldTerm(field, true, value)));
        var found = new List<T>();
        foreach (var item in stored.Cache.Narrow(filter, await stored.Cache.AnyAsync(ct).ConfigureAwait(false)).Items.Between("", ""))
            if (filter.Matches(item)) found.Add((T)item.Object);
        return found;
    }

    /// <summary>Among which those with that value in a field are: as long as it is the same set, they are the same. Null when the kind is not served.</summary>
    public async ValueTask<Sorted?> SetWithFieldAsync<T>(string field, string value, CancellationToken ct) where T : class, IObject<T>
    {
        if (Of<T>() is not { } stored) return null;
        await AllAsync(stored, ct).ConfigureAwait(false);
        var filter = new Filter(stored.Strategy, "", "", Selector.Everything, FieldSelector.Of(new FieldTerm(field, true, value)));
        return stored.Cache.Narrow(filter, await stored.Cache.AnyAsync(ct).ConfigureAwait(false)).Items;
    }

    /// <summary>A snapshot, the same one as long as nothing changes; null when the kind is not served.</summary>
    public async ValueTask<Sorted?> SnapshotAsync<T>(CancellationToken ct) where T : class, IObject<T> =>
        Of<T>() is { } stored ? await AllAsync(stored, ct).ConfigureAwait(false) : null;

    /// <summary>As current as every other look through this.</summary>
    internal ValueTask<Sorted> SnapshotAsync(StoredResource stored, CancellationToken ct) => AllAsync(stored, ct);

    StoredResource? Of<T>() where T : class, IObject<T> => _known.GetOrAdd(Resources.Of<T>().Gvr.GroupResource, static (r, self) => self._find(r), this);

    async ValueTask<Sorted> AllAsync(StoredResource stored, CancellationToken ct) =>
        (soleWriter ? await stored.Cache.CurrentAsync(ct).ConfigureAwait(false) : await stored.Cache.AnyAsync(ct).ConfigureAwait(false)).All;
}
