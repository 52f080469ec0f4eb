namespace Hanbae.Api;

/// <summary>Remembers so many things that are used again and again, such as what was costly to find out.</summary>
/// <remarks>
/// For callers on any thread. Bound: <paramref name="capacity"/> entries in two generations; when the young one is full, the old one is
/// forgotten, so that half as many that were used last are always there.
/// </remarks>
public sealed class Recent<TKey, TValue>(int capacity) where TKey : notnull where TValue : class
{
    readonly Lock _gate = new();
    Dictionary<TKey, TValue> _young = [], _old = [];

    public TValue? Find(TKey key)
    {
        lock (_gate)
        {
            if (_young.TryGetValue(key, out var value)) return value;
            if (!_old.TryGetValue(key, out value)) return null;
            Put(key, value);
            return value;
        }
    }

    public void Set(TKey key, TValue value)
    {
        lock (_gate) Put(key, value);
    }

    public void Remove(TKey key)
    {
        lock (_gate)
        {
            _young.Remove(key);
            _old.Remove(key);
        }
    }

    void Put(TKey key, TValue value)
    {
        if (_young.Count >= capacity / 2) (_old, _young) = (_young, []);
        _young[key] = value;
    }
}
