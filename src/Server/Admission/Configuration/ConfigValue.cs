using Hanbae.Api.Json;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>Reads what files of configuration say, and says where they say something else than they should.</summary>
static class ConfigValue
{
    public static string Text(JsonValue? value) => (value as JsonString)?.Value ?? "";

    public static double Number(JsonValue? value) => value is JsonNumber n ? n.Double : 0;

    public static JsonObject Map(JsonValue? value, string name) => value switch { JsonObject map => map, null or JsonNull => JsonObject.Empty, _ => throw new FormatException($"{name}: an object is wanted") };

    public static IEnumerable<JsonObject> List(JsonValue? value, string name) => value switch
    {
        JsonArray list => list.Items.Select((item, i) => Map(item, $"{name}[{i}]")),
        null or JsonNull => [],
        _ => throw new FormatException($"{name}: a list is wanted"),
    };

    public static string[] Strings(JsonValue? value, string name) => value switch
    {
        JsonArray list => [.. list.Items.Select(i => i is JsonString s ? s.Value : throw new FormatException($"{name}: texts are wanted"))],
        null or JsonNull => [],
        _ => throw new FormatException($"{name}: a list is wanted"),
    };

    public static IReadOnlyDictionary<string, string> Texts(JsonValue? value, string name)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, member) in Map(value, name)) texts[key] = member is JsonString s ? s.Value : throw new FormatException($"{name}.{key}: text is wanted");
        return texts;
    }
}
