using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>The state that an informer keeps of one resource: read without asking the server, never written by its readers.</summary>
/// <remarks>Objects are shared and immutable. What is read may be older than the server's by the time a watch needs.</remarks>
public interface ICache<T> where T : class, IObject
{
    /// <summary>The first list is in.</summary>
    bool Synced { get; }
    /// <summary>The revision that the cache shows at least; empty where that is not known.</summary>
    string ResourceVersion => "";
    /// <summary>Completes when the watch that the cache lives from is there: what the cache shows until then is known to be old.</summary>
    Task WhenCurrentAsync() => Task.CompletedTask;
    /// <summary>It holds all objects of its kind, not those of a selection.</summary>
    bool IsWhole => true;
    /// <summary>The object, or null when there is none that is known of.</summary>
    T? Find(Key key);
    /// <summary>The object as the server has it now, asked where the cache lists it; null when there is none.</summary>
    Task<T?> LiveAsync(Key key, CancellationToken ct) => Task.FromResult(Find(key));
    /// <summary>All objects, in no order; a snapshot.</summary>
    IReadOnlyCollection<T> All { get; }
    /// <summary>Objects of one namespace, without a scan.</summary>
    IReadOnlyCollection<T> In(string ns);
    /// <summary>Objects of a namespace (empty: of all) whose labels match.</summary>
    IEnumerable<T> Matching(string ns, Selector selector);

    /// <summary>Adds an index; a no-op when there is one of that name. Caches are shared: begin the name with the component's.</summary>
    void AddIndex(string name, Func<T, IEnumerable<string>> values);
    /// <summary>Objects that have <paramref name="value"/> in the index, without a scan.</summary>
    IReadOnlyCollection<T> ByIndex(string index, string value);

    /// <summary>Calls <paramref name="handler"/> for every object there is and every change to come, in order, one at a time. It must not block.</summary>
    /// <returns>Ends the calls.</returns>
    IDisposable Subscribe(Action<CacheEvent<T>> handler);
    /// <summary>Calls <paramref name="handler"/> for every object there is, as a change from itself to itself, between two changes.</summary>
    void Resync(Action<CacheEvent<T>> handler)
    {
        foreach (var obj in All) handler(new(obj, obj));
    }
    /// <summary>Completes when the first list is in.</summary>
    Task WhenSyncedAsync(CancellationToken ct);
}

/// <summary>One change: no old object is an addition, no new one a deletion.</summary>
public readonly record struct CacheEvent<T>(T? Old, T? New) where T : class
{
    /// <summary>The newest state there is of what changed.</summary>
    public T Object => New ?? Old!;
}
