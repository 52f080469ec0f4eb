using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>Merges what is applied into what is there: fields of one win, lists with keys merge item by item, all else stays.</summary>
static class TypedMerge
{
    /// <exception cref="ApplyException">A list's item has no key, or one of what is applied is there twice.</exception>
    public static JsonObject Apply(JsonObject live, JsonObject applied, ApplyType type) => Merge(live, applied, type) as JsonObject ?? JsonObject.Empty;

    /// <returns>Null when nothing comes of it.</returns>
    static JsonValue? Merge(JsonValue? live, JsonValue? applied, ApplyType type)
    {
        if (applied is null) return live;
        var merging = Shapes.Of(type, applied);
        switch (merging)
        {
            case Merging.Fields:
                var (left, right) = (live as JsonObject, applied as JsonObject);
                return left is not { Count: > 0 } && right is not { Count: > 0 } ? applied : Members(left, right, type);
            case Merging.Set or Merging.Keyed:
                var (before, after) = (live as JsonArray, applied as JsonArray);
                return before is not { Count: > 0 } && after is not { Count: > 0 } ? applied : Items(before ?? JsonArray.Empty, after ?? JsonArray.Empty, type);
            default: return applied;
        }
    }

    static JsonObject? Members(JsonObject? live, JsonObject? applied, ApplyType type)
    {
        var result = live is null ? new JsonObjectBuilder() : new JsonObjectBuilder(live);
        if (applied is not null)
            foreach (var (name, value) in applied)
                if (Merge(live?[name], value, Shapes.Member(type, name)) is { } merged) result.Set(name, merged);
                else result.Remove(name);
        return result.Count == 0 ? null : result.Build();
    }

    /// <summary>In the order of what is applied; what is only live stays behind the item it followed.</summary>
    static JsonArray? Items(JsonArray live, JsonArray applied, ApplyType type)
    {
        var (leftKeys, left) = Index(live, type, duplicates: true);
        var (rightKeys, right) = Index(applied, type, duplicates: false);
        var shared = new Queue<PathElement>(rightKeys.Where(left.ContainsKey));
        PathElement? next = shared.Count > 0 ? shared.Dequeue() : null;
        var merged = new HashSet<PathElement>();
        var result = new List<JsonValue>(Math.Max(live.Count, applied.Count));
        void Take(PathElement key, JsonValue? mine, JsonValue? theirs)
        {
            if (Merge(mine, theirs, type.Items) is { } item) result.Add(item);
        }
        int l = 0, r = 0;
        while (l < leftKeys.Count || r < rightKeys.Count)
        {
            if (l < leftKeys.Count && r < rightKeys.Count)
            {
                var key = leftKeys[l];
                if (key.Equals(rightKeys[r]))
                {
                    merged.Add(key);
                    Take(key, left[key], right[key]);
                    l++;
                    r++;
                    next = shared.Count > 0 ? shared.Dequeue() : null;
                    continue;
                }
                if (right.ContainsKey(key) && next is not null && !next.Equals(key))
                {
                    // Shared, but its turn comes with what is applied.
                    l++;
                    continue;
                }
            }
            if (l < leftKeys.Count)
            {
                var key = leftKeys[l];
                if (!right.ContainsKey(key))
                {
                    Take(key, live[l], null);
                    l++;
                    continue;
                }
                if (merged.Contains(key))
                {
                    l++;
                    continue;
                }
            }
            if (r < rightKeys.Count)
            {
                var key = rightKeys[r++];
                merged.Add(key);
                Take(key, left.GetValueOrDefault(key), right[key]);
                if (next is not null && next.Equals(key)) next = shared.Count > 0 ? shared.Dequeue() : null;
            }
        }
        return result.Count == 0 ? null : new([.. result]);
    }

    /// <summary>An item that is there twice has no value of its own: it is replaced rather than merged with.</summary>
    static (List<PathElement> Order, Dictionary<PathElement, JsonValue?> Items) Index(JsonArray list, ApplyType type, bool duplicates)
    {
        var order = new List<PathElement>(list.Count);
        var items = new Dictionary<PathElement, JsonValue?>(list.Count);
        for (int i = 0; i < list.Count; i++)
        {
            PathElement key;
            try { key = ListKeys.Of(list[i], type); }
            catch (ApplyException e) { throw new ApplyException($"element {i}: {e.Message}"); }
            if (!items.TryAdd(key, list[i]))
            {
                if (!duplicates) throw new ApplyException($"duplicate entries for key {key}");
                items[key] = null;
            }
            order.Add(key);
        }
        return (order, items);
    }
}
