using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>The objects of a cache and their indexes: plain dictionaries, guarded by the cache's lock.</summary>
/// <remarks>Objects are kept by namespace and name, so that the namespace index costs nothing. Snapshots are made when asked for and kept until a change.</remarks>
sealed class CacheState<T>(IReadOnlyDictionary<string, Func<T, IEnumerable<string>>> indexers) where T : class, IObject
{
    sealed class Group<TKey> where TKey : notnull
    {
        T[]? _snapshot;

        public readonly Dictionary<TKey, T> Items = [];

        public T[] Snapshot()
        {
            if (_snapshot is { } known) return known;
            var made = new T[Items.Count];
            Items.Values.CopyTo(made, 0);
            return _snapshot = made;
        }

        public T? Set(TKey key, T value)
        {
            _snapshot = null;
            Items.Remove(key, out var old);
            Items.Add(key, value);
            return old;
        }

        public T? Remove(TKey key)
        {
            if (Items.Remove(key, out var old)) _snapshot = null;
            return old;
        }
    }

    readonly Dictionary<string, Group<string>> _namespaces = [];
    readonly Dictionary<string, (Func<T, IEnumerable<string>> Values, Dictionary<string, Group<Key>> Groups)> _indexes =
        indexers.ToDictionary(i => i.Key, i => (i.Value, new Dictionary<string, Group<Key>>()));
    T[]? _all;

    public int Count { get; private set; }

    public T? Find(Key key) => _namespaces.TryGetValue(key.Namespace, out var group) && group.Items.TryGetValue(key.Name, out var found) ? found : null;

    public T[] All()
    {
        if (_all is { } known) return known;
        if (_namespaces.Count == 1) return _all = _namespaces.Values.First().Snapshot();
        var made = new T[Count];
        int at = 0;
        foreach (var group in _namespaces.Values)
        {
            group.Items.Values.CopyTo(made, at);
            at += group.Items.Count;
        }
        return _all = made;
    }

    public T[] In(string ns) => _namespaces.TryGetValue(ns, out var group) ? group.Snapshot() : [];

    /// <exception cref="KeyNotFoundException">There is no such index.</exception>
    public T[] ByIndex(string index, string value) => _indexes[index].Groups.TryGetValue(value, out var group) ? group.Snapshot() : [];

    /// <returns>What was there before.</returns>
    public T? Set(T obj)
    {
        var key = Key.Of(obj);
        if (!_namespaces.TryGetValue(key.Namespace, out var group)) _namespaces.Add(key.Namespace, group = new());
        var old = group.Set(key.Name, obj);
        _all = null;
        if (old is null) Count++;
        else Unindex(key, old);
        foreach (var (values, groups) in _indexes.Values) Index(key, obj, values, groups);
        return old;
    }

    public T? Remove(Key key)
    {
        if (!_namespaces.TryGetValue(key.Namespace, out var group) || group.Remove(key.Name) is not { } old) return null;
        if (group.Items.Count == 0) _namespaces.Remove(key.Namespace);
        _all = null;
        Count--;
        Unindex(key, old);
        return old;
    }

    public void AddIndex(string name, Func<T, IEnumerable<string>> values)
    {
        var groups = new Dictionary<string, Group<Key>>();
        foreach (var obj in All()) Index(Key.Of(obj), obj, values, groups);
        _indexes.Add(name, (values, groups));
    }

    static void Index(Key key, T obj, Func<T, IEnumerable<string>> values, Dictionary<string, Group<Key>> groups)
    {
        foreach (string value in values(obj))
        {
            if (!groups.TryGetValue(value, out var group)) groups.Add(value, group = new());
            group.Set(key, obj);
        }
    }

    void Unindex(Key key, T old)
    {
        foreach (var (values, groups) in _indexes.Values)
            foreach (string value in values(old))
                if (groups.TryGetValue(value, out var group) && group.Remove(key) is not null && group.Items.Count == 0) groups.Remove(value);
    }
}
