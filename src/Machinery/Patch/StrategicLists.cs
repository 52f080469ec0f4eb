using System.Collections.Immutable;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>Merges lists for <see cref="StrategicMerge"/>: primitives as sets, objects by their merge key, and orders the result.</summary>
static class StrategicLists
{
    public static JsonArray MergeLists(JsonArray original, JsonArray patch, PatchSchema items, string mergeKey)
    {
        if (original.Count == 0 && patch.Count == 0) return original;
        if (ItemKind(original, patch) != JsonKind.Object) return MergePrimitives(original, patch);
        if (mergeKey.Length == 0) throw StrategicMerge.Malformed("cannot merge lists without merge key for type struct");

        var (live, changes) = ApplyDirectives(original, patch, mergeKey);
        var merged = new List<JsonValue>(live);
        var places = Places(merged, mergeKey);
        foreach (var change in changes)
        {
            var map = (JsonObject)change;
            var key = Key(map, mergeKey);
            if (places.TryGetValue(key, out int at)) merged[at] = StrategicMerge.MergeMap((JsonObject)merged[at], map, items);
            else if (StrategicMerge.Plain(map) is { } added)
            {
                places.Add(key, merged.Count);
                merged.Add(added);
            }
        }
        return InOrder(JsonArray.Of([.. merged]), JsonArray.Of([.. changes]), JsonArray.Of([.. live]), mergeKey);
    }

    static JsonArray MergePrimitives(JsonArray original, JsonArray patch)
    {
        var seen = new HashSet<JsonValue>();
        var both = original.Items.AddRange(patch.Items).Where(seen.Add);
        return InOrder(JsonArray.Of([.. both]), patch, original, "");
    }

    /// <summary><c>$deleteFromPrimitiveList</c>.</summary>
    public static JsonArray Remove(JsonArray original, JsonArray unwanted)
    {
        var gone = unwanted.Items.ToHashSet();
        return JsonArray.Of([.. original.Items.Where(item => !gone.Contains(item))]);
    }

    /// <summary>Takes the items that carry <c>$patch</c> out of the patch and does what they say.</summary>
    static (ImmutableArray<JsonValue> Live, ImmutableArray<JsonValue> Changes) ApplyDirectives(JsonArray original, JsonArray patch, string mergeKey)
    {
        var live = original.Items;
        var changes = ImmutableArray.CreateBuilder<JsonValue>(patch.Count);
        bool replace = false;
        foreach (var item in patch)
        {
            var map = (JsonObject)item;
            switch (map[StrategicMerge.Directive])
            {
                case null: changes.Add(item); break;
                case JsonString { Value: StrategicMerge.Delete }:
                    var key = Key(map, mergeKey);
                    live = live.RemoveAll(other => other is JsonObject o && key.Equals(o[mergeKey]));
                    break;
                case JsonString { Value: StrategicMerge.Replace }: replace = true; break;
                case JsonString { Value: StrategicMerge.Merge }: throw StrategicMerge.Malformed("merging lists cannot yet be specified in the patch");
                case var other: throw StrategicMerge.UnknownDirective(other, map);
            }
        }
        return replace ? (changes.ToImmutable(), []) : (live, changes.ToImmutable());
    }

    /// <summary>
    /// Items that <paramref name="order"/> names come in its order, the others in the live order; where both kinds were live,
    /// an item of the live list goes before the first ordered item that it preceded.
    /// </summary>
    public static JsonArray InOrder(JsonArray merged, JsonArray order, JsonArray live, string mergeKey)
    {
        if (merged.Count == 0) return merged;
        var ordered = Indices(order, mergeKey);
        var lived = Indices(live, mergeKey);
        var first = new List<JsonValue>();
        var rest = new List<JsonValue>();
        foreach (var item in merged) (ordered.ContainsKey(KeyOf(item, mergeKey)) ? first : rest).Add(item);
        Sort(first, ordered, mergeKey);
        Sort(rest, lived, mergeKey);

        var result = ImmutableArray.CreateBuilder<JsonValue>(merged.Count);
        int i = 0, j = 0;
        while (i < rest.Count && j < first.Count)
        {
            bool livedFirst = lived.TryGetValue(KeyOf(rest[i], mergeKey), out int a) && lived.TryGetValue(KeyOf(first[j], mergeKey), out int b) && a < b;
            result.Add(livedFirst ? rest[i++] : first[j++]);
        }
        while (j < first.Count) result.Add(first[j++]);
        while (i < rest.Count) result.Add(rest[i++]);
        return new(result.MoveToImmutable());
    }

    /// <summary>By index; items without one move to the front, the last first: what upstream's comparison amounts to.</summary>
    static void Sort(List<JsonValue> items, Dictionary<JsonValue, int> indices, string mergeKey)
    {
        for (int i = 1; i < items.Count; i++)
        {
            var item = items[i];
            bool known = indices.TryGetValue(KeyOf(item, mergeKey), out int index);
            int j = i;
            for (; j > 0; j--)
                if (known && indices.TryGetValue(KeyOf(items[j - 1], mergeKey), out int other) && index >= other) break;
                else items[j] = items[j - 1];
            items[j] = item;
        }
    }

    /// <summary>The patch must list its items in the order that the directive gives them, and no others.</summary>
    public static void CheckOrder(JsonArray? patch, JsonArray order, string mergeKey)
    {
        if (patch is null || patch.Count == 0 || order.Count == 0) return;
        int at = 0, orderAt = 0;
        var kept = patch.Items;
        if (mergeKey.Length > 0)
            kept = kept.RemoveAll(item => ExpectMap(item)[StrategicMerge.Directive] is JsonString { Value: StrategicMerge.Delete });
        while (at < kept.Length && orderAt < order.Count)
        {
            if (kept[at] is JsonObject map && map.Contains(StrategicMerge.Directive)) { at++; continue; }
            if (KeyOf(kept[at], mergeKey).Equals(KeyOf(order[orderAt], mergeKey))) at++;
            orderAt++;
        }
        if (at < kept.Length && orderAt >= order.Count)
            throw StrategicMerge.Malformed($"The order in patch list:\n{GoFormat.Value(patch)}\n"
                + $" doesn't match {StrategicMerge.SetElementOrder} list:\n{GoFormat.Value(order)}\n");
    }

    /// <summary>What an item is recognized by: the value of the merge key, or itself.</summary>
    static JsonValue KeyOf(JsonValue item, string mergeKey) => mergeKey.Length == 0 ? item : Key(ExpectMap(item), mergeKey);

    static JsonValue Key(JsonObject map, string mergeKey) =>
        map[mergeKey] ?? throw StrategicMerge.Malformed($"map: {GoFormat.Value(map)} does not contain declared merge key: {mergeKey}");

    static Dictionary<JsonValue, int> Indices(JsonArray list, string mergeKey)
    {
        var indices = new Dictionary<JsonValue, int>(list.Count);
        for (int i = 0; i < list.Count; i++) indices.TryAdd(KeyOf(list[i], mergeKey), i);
        return indices;
    }

    static Dictionary<JsonValue, int> Places(List<JsonValue> list, string mergeKey)
    {
        var places = new Dictionary<JsonValue, int>(list.Count);
        for (int i = 0; i < list.Count; i++)
            if (((JsonObject)list[i])[mergeKey] is { } key) places.TryAdd(key, i);
        return places;
    }

    /// <summary>The one kind of item that both lists hold.</summary>
    static JsonKind ItemKind(JsonArray original, JsonArray patch)
    {
        JsonValue? first = null;
        foreach (var item in original.Items.AddRange(patch.Items))
        {
            if (first is null)
            {
                first = item;
                if (item is JsonArray) throw new PatchException(PatchFault.Unprocessable, "lists of lists are not supported");
            }
            else if (GoFormat.Type(item) != GoFormat.Type(first))
                throw StrategicMerge.Malformed($"list element types are not identical: {GoFormat.List([original, patch])}");
        }
        return first?.Kind ?? JsonKind.Null;
    }

    public static JsonArray Expect(JsonValue value) =>
        value as JsonArray ?? throw StrategicMerge.Malformed($"expected a []interface {{}}, but received a {GoFormat.Type(value)}");

    static JsonObject ExpectMap(JsonValue value) =>
        value as JsonObject ?? throw StrategicMerge.Malformed($"expected a map[string]interface {{}}, but received a {GoFormat.Type(value)}");
}
