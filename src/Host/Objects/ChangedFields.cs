using Hanbae.Api.Json;

namespace Hanbae.Host.Objects;

/// <summary>Names the places in which two versions of an object differ.</summary>
static class ChangedFields
{
    /// <summary>Paths such as <c>.spec.replicas</c>; lists are compared item by item, and as a whole when their lengths differ.</summary>
    public static IEnumerable<string> Between(JsonValue before, JsonValue after, string path = "")
    {
        if (before.Equals(after)) return [];
        return (before, after) switch
        {
            (JsonObject a, JsonObject b) => a.Members.Select(m => m.Name).Union(b.Members.Select(m => m.Name))
                .SelectMany(name => a[name] is { } x && b[name] is { } y ? Between(x, y, $"{path}.{name}") : [$"{path}.{name}"]),
            (JsonArray a, JsonArray b) when a.Count == b.Count => Enumerable.Range(0, a.Count).SelectMany(i => Between(a[i], b[i], $"{path}[{i}]")),
            _ => [path],
        };
    }
}
