using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>What of an object is left when a set of fields is taken out.</summary>
public static class TypedPart
{
    /// <summary>The object without the fields of a set. Where nothing is left of a map or list, null is.</summary>
    public static JsonObject Remove(JsonObject from, FieldSet set, ApplyType type) => Walk(from, set, type) as JsonObject ?? JsonObject.Empty;

    static JsonValue Walk(JsonValue value, FieldSet set, ApplyType type)
    {
        var merging = Shapes.Of(type, value);
        bool many = value is JsonArray or JsonObject;
        if (!many) return value;
        if (merging == Merging.Leaf) return JsonNull.Instance;
        return (merging, value) switch
        {
            (Merging.Fields, JsonObject { Count: > 0 } map) => Members(map, set, type),
            (Merging.Set or Merging.Keyed, JsonArray { Count: > 0 } list) => Items(list, set, type),
            (Merging.Ignored, _) => value,
            _ => JsonNull.Instance,
        };
    }

    static JsonValue Members(JsonObject map, FieldSet set, ApplyType type)
    {
        var result = new JsonObjectBuilder(map.Count);
        foreach (var (name, value) in map)
        {
            var entry = set.Find(PathElements.Field(name));
            if (entry.Owned) continue;
            result.Set(name, entry.Below is null ? value : Walk(value, entry.Below, Shapes.Member(type, name)));
        }
        return result.Count == 0 ? JsonNull.Instance : result.Build();
    }

    static JsonValue Items(JsonArray list, FieldSet set, ApplyType type)
    {
        var result = new List<JsonValue>(list.Count);
        foreach (var item in list)
        {
            var entry = set.Find(ListKeys.Of(item, type));
            if (entry.Owned) continue;
            result.Add(entry.Below is null ? item : Walk(item, entry.Below, type.Items));
        }
        return result.Count == 0 ? JsonNull.Instance : new JsonArray([.. result]);
    }
}
