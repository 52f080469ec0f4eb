using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Crd.Structure;

/// <summary>Lists that are sets or maps: their items are told apart by value or by keys, so no two may be alike.</summary>
static class ListKeys
{
    /// <summary>What tells an item of a map list from others, defaults of its schema included; null when it has not all of it.</summary>
    public static JsonValue? Of(JsonValue item, Structural list)
    {
        if (item is not JsonObject o) return null;
        var keys = new JsonObjectBuilder();
        foreach (string key in list.Props.XKubernetesListMapKeys)
            if ((o[key] ?? list.Items?.Properties.GetValueOrDefault(key)?.Default) is { } value) keys.Set(key, value);
        return keys.Count == 0 ? null : keys.Build();
    }

    public static Dictionary<JsonValue, JsonValue> Index(JsonArray items, Structural list)
    {
        var index = new Dictionary<JsonValue, JsonValue>();
        foreach (var item in items)
            if (Of(item, list) is { } key) index.TryAdd(key, item);
        return index;
    }

    /// <summary>Duplicates anywhere in a value.</summary>
    public static void Check(JsonValue value, Structural? schema, string path, List<FieldError> errors)
    {
        if (schema is null) return;
        if (value is JsonArray array)
        {
            if (schema.Props.XKubernetesListType is "set" or "map")
            {
                bool map = schema.Props.XKubernetesListType == "map";
                var seen = new Dictionary<JsonValue, int>();
                for (int i = 0; i < array.Count; i++)
                {
                    if ((map ? Of(array[i], schema) : array[i]) is not { } key) continue;
                    // As upstream: told once, at its second place.
                    seen[key] = seen.GetValueOrDefault(key) + 1;
                    if (seen[key] == 2) errors.Add(new(FieldErrorType.Duplicate, $"{path}[{i}]", key is JsonString s ? FieldError.Quoted(s.Value) : SchemaValidator.Shown(key), ""));
                }
            }
            for (int i = 0; i < array.Count; i++) Check(array[i], schema.Items, $"{path}[{i}]", errors);
        }
        else if (value is JsonObject o)
            foreach (var (name, member) in o)
                Check(member, schema.Properties.GetValueOrDefault(name) ?? schema.Additional, schema.Properties.ContainsKey(name) ? path.Length == 0 ? name : path + "." + name : $"{path}[{name}]", errors);
    }
}
