namespace Hanbae.Api.Codec;

/// <summary>Gathers items of unknown number into an array of exactly their number.</summary>
ref struct ListBuilder<T>
{
    T[]? _items;
    int _count;

    public readonly bool Any => _count > 0;

    public void Add(T item)
    {
        if (_items is null) _items = new T[2];
        else if (_count == _items.Length) Array.Resize(ref _items, _count < 4 ? 4 : _count * 2);
        _items[_count++] = item;
    }

    public readonly T[] ToArray()
    {
        if (_items is null) return [];
        return _count == _items.Length ? _items : _items[.._count];
    }
}

static class ListBuilderExtensions
{
    public static Seq<T> ToSeq<T>(this ListBuilder<T> builder) => new(builder.ToArray());

    public static Map<T> ToMap<T>(this ListBuilder<KeyValuePair<string, T>> builder)
    {
        var items = builder.ToArray();
        return new(Map.Sort(items, items.Length));
    }
}
