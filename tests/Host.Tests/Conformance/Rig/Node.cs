using System.Text.Json.Nodes;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>Short words for reading JSON in tests: what is not there is empty.</summary>
static class Node
{
    extension(JsonNode? node)
    {
        public JsonNode? At(params ReadOnlySpan<string> path)
        {
            var at = node;
            foreach (string name in path) at = at is JsonArray list ? int.Parse(name) < list.Count ? list[int.Parse(name)] : null : (at as JsonObject)?[name];
            return at;
        }

        public string Text(params ReadOnlySpan<string> path) => node.At(path)?.ToString() ?? "";

        public IReadOnlyList<JsonObject> Items(params ReadOnlySpan<string> path) => node.At(path) is JsonArray list ? [.. list.OfType<JsonObject>()] : [];

        public string Name() => node.Text("metadata", "name");
        public string Uid() => node.Text("metadata", "uid");
        public string Revision() => node.Text("metadata", "resourceVersion");
        public string Annotation(string name) => node.Text("metadata", "annotations", name);
        public string Label(string name) => node.Text("metadata", "labels", name);

        /// <summary>That everything in what was asked for stands in here with that value; more may stand here. Lists are of equal length.</summary>
        public bool Has(JsonNode? asked) => (asked, node) switch
        {
            (JsonObject a, JsonObject b) => a.All(field => b[field.Key].Has(field.Value)),
            (JsonArray a, JsonArray b) => a.Count == b.Count && a.Zip(b).All(pair => pair.Second.Has(pair.First)),
            (null, _) => node is null,
            _ => JsonNode.DeepEquals(asked, node),
        };

        /// <summary>The same with this merge patch applied (RFC 7386).</summary>
        public JsonObject With(string patch) => (JsonObject)Merged(node, JsonNode.Parse(patch))!;
    }

    static JsonNode? Merged(JsonNode? into, JsonNode? patch)
    {
        if (patch is not JsonObject fields) return patch?.DeepClone();
        var merged = into is JsonObject old ? (JsonObject)old.DeepClone() : [];
        foreach (var (name, value) in fields)
            if (value is null) merged.Remove(name);
            else merged[name] = Merged(merged[name], value);
        return merged;
    }
}
