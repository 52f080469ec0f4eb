using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>Makes the state of one object be what it asks for: level-triggered, so that a lost event costs latency only.</summary>
public interface IReconciler
{
    /// <summary>Says which changes concern which keys.</summary>
    void Watch(Triggers on);

    /// <summary>Brings one object closer to what is asked. Throwing means: again, later, with growing delay.</summary>
    Task<Again> ReconcileAsync(Key key, CancellationToken ct);
}

/// <summary>When a reconciler wants to see a key again, apart from changes.</summary>
public readonly record struct Again(TimeSpan? After, DateTimeOffset? Time)
{
    /// <summary>When something that it watches changes.</summary>
    public static Again OnChange => default;
    /// <summary>After so long, changes apart.</summary>
    public static Again In(TimeSpan delay) => new(delay, null);
    /// <summary>At that time, changes apart.</summary>
    public static Again At(DateTimeOffset time) => new(null, time);
    /// <summary>Soon, with growing delay: for what is expected to change without an event.</summary>
    public static Again WithBackoff => new(TimeSpan.MinValue, null);
}

/// <summary>Binds changes in caches to keys of a work queue.</summary>
public abstract class Triggers
{
    /// <summary>Each changed object's own key.</summary>
    public abstract Triggers Each<T>(ICache<T> cache) where T : class, IObject;
    /// <summary>The controlling owner's key, when it is of kind <paramref name="ownerKind"/> (of the API group <paramref name="ownerGroup"/> where that must be told).</summary>
    public abstract Triggers OwnerOf<T>(ICache<T> cache, string ownerKind, string? ownerGroup = null) where T : class, IObject;
    /// <summary>Keys computed from a change; called for the old and the new object.</summary>
    public abstract Triggers Map<T>(ICache<T> cache, Func<T, IEnumerable<Key>> keys) where T : class, IObject;
    /// <summary>Like <see cref="Each{T}"/>, for changes that pass.</summary>
    public abstract Triggers When<T>(ICache<T> cache, Func<CacheEvent<T>, bool> passes) where T : class, IObject;
    /// <summary>Keys from anything else: a timer, a folder, a socket. The source gets what to call, and is disposed at the end.</summary>
    public abstract Triggers From(Func<Action<Key>, IDisposable> source);
    /// <summary>A cache that is read but whose changes concern no key: work begins only when it is filled.</summary>
    public abstract Triggers Needs<T>(ICache<T> cache) where T : class, IObject;
}
