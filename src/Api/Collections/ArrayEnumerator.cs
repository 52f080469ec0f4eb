namespace Hanbae.Api;

/// <summary>Walks an array without allocating; a plain struct, so that loops may await.</summary>
public struct ArrayEnumerator<T>
{
    readonly T[]? _items;
    int _index;

    internal ArrayEnumerator(T[]? items) => (_items, _index) = (items, -1);

    public readonly T Current => _items![_index];
    public bool MoveNext() => _items is not null && ++_index < _items.Length;
}
