using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>Parts of an object by a set of fields: the object without them, or nothing but them.</summary>
public static class TypedPart
{
    /// <summary>The object without the fields of a set. Where nothing is left of a map or list, null is.</summary>
    public static JsonObject Remove(JsonObject from, FieldSet set, ApplyType type) => Walk(from, set, type, extract: false) as JsonObject ?? JsonObject.Empty;

    /// <summary>The fields of a set alone: what a manager applied last.</summary>
    public static JsonObject Extract(JsonObject from, FieldSet set, ApplyType type) => Walk(from, set, type, extract: true) as JsonObject ?? JsonObject.Empty;

    static JsonValue Walk(JsonValue value, FieldSet set, ApplyType type, bool extract)
    {
        var merging = Shapes.Of(type, value);
        bool many = value is JsonArray or JsonObject;
        if (!many) return value;
        if (merging == Merging.Leaf) return extract ? value : JsonNull.Instance;
        return (merging, value) switch
        {
            (Merging.Fields, JsonObject { Count: > 0 } map) => Members(map, set, type, extract),
            (Merging.Set or Merging.Keyed, JsonArray { Count: > 0 } list) => Items(list, set, type, extract),
            (Merging.Ignored, _) => value,
            _ => JsonNull.Instance,
        };
    }

    static JsonValue Members(JsonObject map, FieldSet set, ApplyType type, bool extract)
    {
        var result = new JsonObjectBuilder(map.Count);
        foreach (var (name, value) in map)
        {
            var entry = set.Find(PathElements.Field(name));
            var member = Shapes.Member(type, name);
            if (entry.Owned)
            {
                if (extract) result.Set(name, Walk(value, entry.Children, member, extract));
            }
            else if (entry.Below is not null) result.Set(name, Walk(value, entry.Below, member, extract));
            else if (!extract) result.Set(name, value);
        }
        return result.Count == 0 ? JsonNull.Instance : result.Build();
    }

    static JsonValue Items(JsonArray list, FieldSet set, ApplyType type, bool extract)
    {
        var result = new List<JsonValue>(list.Count);
        foreach (var item in list)
        {
            var entry = set.Find(ListKeys.Of(item, type));
            if (extract ? !entry.Owned && entry.Below is null : entry.Owned) continue;
            result.Add(entry.Below is null ? item : Walk(item, entry.Below, type.Items, extract));
        }
        return result.Count == 0 ? JsonNull.Instance : new JsonArray([.. result]);
    }
}
