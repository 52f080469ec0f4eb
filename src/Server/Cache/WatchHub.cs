using Hanbae.Server.Registry;

namespace Hanbae.Server.Cache;

/// <summary>Finds the watchers that an event may concern, so that a change costs only those: by object, by field, by namespace, or all.</summary>
/// <remarks>Not thread-safe: the cache's lock is around it.</remarks>
sealed class WatchHub(IStrategy strategy, bool namespaced)
{
    readonly List<Watcher> _all = [];
    readonly Dictionary<string, List<Watcher>> _byKey = [], _byNamespace = [];
    readonly Dictionary<(string Field, string Value), List<Watcher>> _byField = [];
    readonly Dictionary<string, int> _fields = [];

    public int Count { get; private set; }
    /// <summary>How often a watcher was asked whether an event concerns it: what writes cost beside their own.</summary>
    public long Asked { get; private set; }

    public void Add(Watcher watcher)
    {
        var bucket = BucketOf(watcher);
        bucket.Add(watcher);
        watcher.Bucket = bucket;
        Count++;
    }

    /// <summary>Of those that do not select by a field.</summary>
    public int CountOf(string ns, string name)
    {
        int count = _all.Count;
        if (ns.Length > 0 && _byNamespace.TryGetValue(ns + "/", out var inNamespace)) count += inNamespace.Count;
        if (name.Length > 0 && _byKey.TryGetValue(ns.Length > 0 ? ns + "/" + name : name, out var named)) count += named.Count;
        return count;
    }

    public void Remove(Watcher watcher)
    {
        if (watcher.Bucket is not List<Watcher> bucket || !bucket.Remove(watcher)) return;
        watcher.Bucket = null;
        Count--;
        if (bucket.Count > 0 || bucket == _all) return;
        var filter = watcher.Filter;
        if (filter.Key(namespaced) is { } key) _byKey.Remove(key);
        else if (IndexedField(filter) is { } field)
        {
            _byField.Remove(field);
            if (--_fields[field.Field] == 0) _fields.Remove(field.Field);
        }
        else _byNamespace.Remove(filter.Prefix);
    }

    List<Watcher> BucketOf(Watcher watcher)
    {
        var filter = watcher.Filter;
        if (filter.Key(namespaced) is { } key) return Bucket(_byKey, key);
        if (IndexedField(filter) is { } field)
        {
            if (!_byField.ContainsKey(field)) _fields[field.Field] = _fields.GetValueOrDefault(field.Field) + 1;
            return Bucket(_byField, field);
        }
        return filter.Prefix.Length > 0 ? Bucket(_byNamespace, filter.Prefix) : _all;
    }

    (string Field, string Value)? IndexedField(Filter filter)
    {
        foreach (string field in strategy.SelectableFields)
            if (filter.Fields.RequiresExactly(field, out string? value)) return (field, value);
        return null;
    }

    static List<Watcher> Bucket<TKey>(Dictionary<TKey, List<Watcher>> buckets, TKey key) where TKey : notnull =>
        buckets.TryGetValue(key, out var bucket) ? bucket : buckets[key] = [];

    public void Dispatch(CacheEvent e)
    {
        if (Count == 0) return;
        Offer(_all, e);
        if (_byNamespace.Count > 0 && e.Item.Namespace is { Length: > 0 } ns
            && _byNamespace.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(e.Item.Key.AsSpan(0, ns.Length + 1), out var inNamespace)) Offer(inNamespace, e);
        if (_byKey.Count > 0 && _byKey.TryGetValue(e.Item.Key, out var named)) Offer(named, e);
        foreach (string field in _fields.Keys)
        {
            string now = strategy.Field(e.Item.Object, field);
            if (_byField.TryGetValue((field, now), out var ofNow)) Offer(ofNow, e);
            // Those who have it in their selection now must hear that it leaves.
            if (e.Previous is not null && strategy.Field(e.Previous.Object, field) is { } before && before != now && _byField.TryGetValue((field, before), out var ofBefore)) Offer(ofBefore, e);
        }
    }

    void Offer(List<Watcher> watchers, CacheEvent e)
    {
        Asked += watchers.Count;
        foreach (var watcher in watchers) watcher.Offer(e);
    }

    public IEnumerable<Watcher> Everyone() => [.. _all, .. _byKey.Values.SelectMany(b => b), .. _byNamespace.Values.SelectMany(b => b), .. _byField.Values.SelectMany(b => b)];
}
