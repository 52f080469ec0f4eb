using System.Collections;
using System.Collections.Immutable;

namespace Hanbae.Api.Json;

/// <summary>An ordered list of values.</summary>
public sealed class JsonArray(ImmutableArray<JsonValue> items) : JsonValue, IReadOnlyList<JsonValue>
{
    public static JsonArray Empty { get; } = new([]);

    public static JsonArray Of(params ReadOnlySpan<JsonValue> items) => items.IsEmpty ? Empty : new([.. items]);

    public ImmutableArray<JsonValue> Items { get; } = items.IsDefault ? [] : items;

    public override JsonKind Kind => JsonKind.Array;
    public int Count => Items.Length;
    public JsonValue this[int index] => Items[index];

    public JsonArray SetItem(int index, JsonValue value) => new(Items.SetItem(index, value));
    public JsonArray Insert(int index, JsonValue value) => new(Items.Insert(index, value));
    public JsonArray RemoveAt(int index) => new(Items.RemoveAt(index));

    public override bool Equals(JsonValue? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is not JsonArray array || array.Count != Count) return false;
        for (int i = 0; i < Items.Length; i++)
            if (!Items[i].Equals(array.Items[i])) return false;
        return true;
    }

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var item in Items) hash.Add(item.GetHashCode());
        return hash.ToHashCode();
    }

    public ImmutableArray<JsonValue>.Enumerator GetEnumerator() => Items.GetEnumerator();
    IEnumerator<JsonValue> IEnumerable<JsonValue>.GetEnumerator() => ((IEnumerable<JsonValue>)Items).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)Items).GetEnumerator();
}
