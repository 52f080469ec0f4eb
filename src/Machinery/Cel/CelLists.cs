using System.Collections.Immutable;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel;

/// <summary>An ordered list of values.</summary>
public abstract class CelList : CelValue
{
    private protected CelList() { }

    public sealed override CelKind Kind => CelKind.List;
    public sealed override CelType Type => CelType.AnyList;
    public abstract int Count { get; }
    public abstract CelValue this[int index] { get; }
    internal sealed override ulong Size => (ulong)Count;
    internal sealed override bool IsZero => Count == 0;

    public static CelList Empty { get; } = new CelItems([], 0);
    public static CelList Of(params ReadOnlySpan<CelValue> items) => items.IsEmpty ? Empty : new CelItems([.. items], items.Length);
    internal static CelList Of(IEnumerable<string> items) => Of([.. items.Select(i => (CelValue)new CelString(i))]);

    /// <summary>The two behind each other; sets and maps of upstream's list types merge.</summary>
    internal virtual CelValue Concat(CelList other)
    {
        if (other.Count == 0) return this;
        if (Count == 0 && other is not CelJsonList) return other;
        if ((long)Count + other.Count > CelLimits.MaxProduct) return CelError.TooLarge;
        return CelItems.Append(this, other);
    }
}

/// <summary>Items of an expression. Appending to the newest view of a growing buffer grows it in place, so that building a list one by one is linear.</summary>
/// <remarks>Only what one evaluation made grows; constants, which evaluations share, do not.</remarks>
sealed class CelItems : CelList
{
    readonly List<CelValue> _buffer;
    readonly bool _grows;

    internal CelItems(List<CelValue> buffer, int count, bool grows = false) => (_buffer, Count, _grows) = (buffer, count, grows);

    public override int Count { get; }
    public override CelValue this[int index] => _buffer[index];

    internal static CelItems Append(CelList first, CelList second)
    {
        if (first is CelItems { _grows: true } items && items.Count == items._buffer.Count && !ReferenceEquals(items._buffer, (second as CelItems)?._buffer))
        {
            for (int i = 0; i < second.Count; i++) items._buffer.Add(second[i]);
            return new(items._buffer, items._buffer.Count, true);
        }
        var buffer = new List<CelValue>(Math.Max(4, first.Count + second.Count));
        for (int i = 0; i < first.Count; i++) buffer.Add(first[i]);
        for (int i = 0; i < second.Count; i++) buffer.Add(second[i]);
        return new(buffer, buffer.Count, true);
    }
}

/// <summary>A JSON array seen through its schema.</summary>
sealed class CelJsonList(ImmutableArray<JsonValue> items, CelSchema schema) : CelList
{
    public override int Count => items.Length;
    public override CelValue this[int index] => CelJson.Wrap(items[index], schema.Items!);
    internal ImmutableArray<JsonValue> Items => items;
    internal CelSchema Schema => schema;

    internal override CelValue Concat(CelList other) => schema.ListType switch
    {
        CelListType.Set => Union(other),
        CelListType.Map => Merge(other),
        _ => base.Concat(other),
    };

    /// <summary>What is new in the other goes to the end.</summary>
    CelValue Union(CelList other)
    {
        var result = new List<CelValue>(Count + other.Count);
        var known = new HashSet<CelKey>();
        foreach (var list in (ReadOnlySpan<CelList>)[this, other])
            for (int i = 0; i < list.Count; i++)
                if (CelKey.Of(list[i]) is not { } key || known.Add(key) || ReferenceEquals(list, this)) result.Add(list[i]);
        return new CelTypedItems(result, schema);
    }

    /// <summary>The other's items take the place of those with their key, or go to the end.</summary>
    CelValue Merge(CelList other)
    {
        var result = new List<CelValue>(Count + other.Count);
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < Count; i++)
        {
            places[CelListKeys.Of(this[i], schema)] = i;
            result.Add(this[i]);
        }
        for (int i = 0; i < other.Count; i++)
        {
            string key = CelListKeys.Of(other[i], schema);
            if (places.TryGetValue(key, out int at)) result[at] = other[i];
            else
            {
                places[key] = result.Count;
                result.Add(other[i]);
            }
        }
        return new CelTypedItems(result, schema);
    }
}

/// <summary>What a union or merge of lists made: still a set or a map to equality.</summary>
sealed class CelTypedItems(List<CelValue> items, CelSchema schema) : CelList
{
    public override int Count => items.Count;
    public override CelValue this[int index] => items[index];
    internal CelSchema Schema => schema;
}

/// <summary>Identifies items of a list of type map.</summary>
static class CelListKeys
{
    public static string Of(CelValue item, CelSchema schema)
    {
        var key = new System.Text.StringBuilder();
        foreach (string name in schema.ListKeys)
        {
            CelValue? value = item is CelMap map && CelNames.Escape(name) is { } identifier ? map.Find(new CelString(identifier)) : null;
            // A key that expressions cannot name is still a key.
            if (value is null && item is CelJsonMap { Json: var json } && json[name] is { } raw) value = CelJson.Wrap(raw, CelSchema.Dyn);
            string text = value is null ? "" : value.Kind + ":" + value;
            key.Append(text.Length).Append(' ').Append(text);
        }
        return key.ToString();
    }
}
