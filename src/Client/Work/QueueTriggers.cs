using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using GroupVersion = Hanbae.Api.GroupVersion;

namespace Hanbae.Client;

/// <summary>Puts the keys that changes concern into a queue, until it is disposed.</summary>
/// <remarks>Also for components that have a loop of their own and want the bindings only.</remarks>
public sealed class QueueTriggers(Action<Key> add) : Triggers, IDisposable
{
    static readonly ConcurrentDictionary<(string ApiVersion, string Kind), bool> ClusterScoped = new();

    /// <summary>Is told of the caches.</summary>
    internal OwnWrites? Follow { get; init; }

    readonly List<IDisposable> _subscriptions = [];
    readonly List<Func<CancellationToken, Task>> _syncs = [];

    /// <inheritdoc/>
    public override Triggers Each<T>(ICache<T> cache) => On(cache, e => add(Key.Of(e.Object)));

    /// <inheritdoc/>
    public override Triggers When<T>(ICache<T> cache, Func<CacheEvent<T>, bool> passes) =>
        On(cache, e => { if (passes(e)) add(Key.Of(e.Object)); });

    /// <inheritdoc/>
    public override Triggers OwnerOf<T>(ICache<T> cache, string ownerKind, string? ownerGroup = null) =>
        Both(cache, obj => { if (OwnerKey(obj, ownerKind, ownerGroup) is { } key) add(key); });

    /// <inheritdoc/>
    public override Triggers Map<T>(ICache<T> cache, Func<T, IEnumerable<Key>> keys) =>
        Both(cache, obj => { foreach (var key in keys(obj)) add(key); });

    /// <inheritdoc/>
    public override Triggers From(Func<Action<Key>, IDisposable> source)
    {
        _subscriptions.Add(source(add));
        return this;
    }

    /// <inheritdoc/>
    public override Triggers Needs<T>(ICache<T> cache)
    {
        _syncs.Add(cache.WhenSyncedAsync);
        Follow?.Follow(cache);
        return this;
    }

    /// <summary>Every cache that was named is filled.</summary>
    public async Task WhenSyncedAsync(CancellationToken ct)
    {
        foreach (var synced in _syncs) await synced(ct);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var subscription in _subscriptions) subscription.Dispose();
        _subscriptions.Clear();
    }

    QueueTriggers On<T>(ICache<T> cache, Action<CacheEvent<T>> handler) where T : class, IObject
    {
        _syncs.Add(cache.WhenSyncedAsync);
        Follow?.Follow(cache);
        _subscriptions.Add(cache.Subscribe(handler));
        return this;
    }

    QueueTriggers Both<T>(ICache<T> cache, Action<T> each) where T : class, IObject => On(cache, e =>
    {
        if (e.Old is { } old) each(old);
        if (e.New is { } now) each(now);
    });

    static Key? OwnerKey(IObject obj, string kind, string? group)
    {
        foreach (var owner in obj.Metadata.OwnerReferences)
        {
            if (owner.Controller != true) continue;
            if (owner.Kind != kind || (group is not null && GroupVersion.Parse(owner.ApiVersion)?.Group != group)) return null;
            return new(IsClusterScoped(owner) ? "" : obj.Metadata.Namespace, owner.Name);
        }
        return null;
    }

    /// <summary>An owner has its dependent's namespace, or none. Kinds that are not built in are taken to have one.</summary>
    static bool IsClusterScoped(OwnerReference owner) => ClusterScoped.GetOrAdd((owner.ApiVersion, owner.Kind), static of =>
        GroupVersion.Parse(of.ApiVersion) is { } gv && Resources.Of(gv).Any(r => r.Kind.Kind == of.Kind && !r.Namespaced));
}
