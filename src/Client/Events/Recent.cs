namespace Hanbae.Client;

/// <summary>Remembers so many things, and forgets the one that was longest unused for another.</summary>
sealed class Recent<TKey, TValue>(int capacity) where TKey : notnull where TValue : class
{
    readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = [];
    readonly LinkedList<(TKey Key, TValue Value)> _order = [];

    public int Count => _nodes.Count;

    public TValue? Find(TKey key)
    {
        if (!_nodes.TryGetValue(key, out var node)) return null;
        _order.Remove(node);
        _order.AddFirst(node);
        return node.Value.Value;
    }

    public TValue FindOrAdd(TKey key, Func<TValue> make)
    {
        if (Find(key) is { } known) return known;
        var made = make();
        Set(key, made);
        return made;
    }

    public void Set(TKey key, TValue value)
    {
        if (_nodes.Remove(key, out var old)) _order.Remove(old);
        else if (_nodes.Count == capacity)
        {
            _nodes.Remove(_order.Last!.Value.Key);
            _order.RemoveLast();
        }
        _nodes[key] = _order.AddFirst((key, value));
    }
}
