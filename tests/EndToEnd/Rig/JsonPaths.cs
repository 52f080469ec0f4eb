using System.Text.Json.Nodes;

namespace Hanbae.EndToEnd.Rig;

/// <summary>Reading JSON by dotted paths, so that tests say what they look at in one word.</summary>
public static class JsonPaths
{
    /// <summary>Such as <c>spec.ports.0.port</c>; null where the path ends early. Names with dots in them are asked for by indexers.</summary>
    public static JsonNode? At(this JsonNode? node, string path)
    {
        foreach (string part in path.Split('.'))
            node = node switch
            {
                JsonArray list => int.Parse(part) is var i && i < list.Count ? list[i] : null,
                JsonObject obj => obj[part],
                _ => null,
            };
        return node;
    }

    /// <summary>The value as text; empty when there is none.</summary>
    public static string Text(this JsonNode? node, string path) => node.At(path)?.ToString() ?? "";

    public static int Number(this JsonNode? node, string path) => node.At(path)?.GetValue<int>() ?? 0;

    public static IEnumerable<JsonNode> Items(this JsonNode? node, string path) => (node.At(path) as JsonArray)?.Select(i => i!) ?? [];

    public static string Name(this JsonNode node) => node.Text("metadata.name");

    public static JsonNode? Condition(this JsonNode node, string type) => node.Items("status.conditions").FirstOrDefault(c => c.Text("type") == type);

    /// <summary>Adds to the conditions of a status.</summary>
    public static void AddCondition(this JsonNode node, string yaml)
    {
        var status = node["status"]!;
        if (status["conditions"] is not JsonArray list) status["conditions"] = list = [];
        list.Add(Objects.Read(yaml));
    }
}
