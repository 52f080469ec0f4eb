using System.Text.Json;
using Hanbae.Api.Json;
using Hanbae.Server.OpenApi;

namespace Hanbae.Server.Aggregation;

/// <summary>What another API server says of its types: its part of OpenAPI v2 and v3, asked for again now and then and kept while it says the same.</summary>
sealed class RemoteDocuments
{
    const string Suffix = "_";

    byte[]? _v3;
    string _v3Tag = "", _v2Tag = "";
    OpenApiPart? _part;
    List<JsonMember> _paths = [], _definitions = [];

    /// <summary>The same object as long as nothing changes; null before there is anything.</summary>
    public OpenApiPart? Part => _part;

    public async Task RefreshAsync(Availability http, Remote remote, CancellationToken ct)
    {
        bool changed = false;
        string path = $"/apis/{remote.Version}";
        var (code, body, tag) = await http.GetAsync(remote, "/openapi/v3" + path, "application/json", _v3Tag, ct).ConfigureAwait(false);
        if (code == 200 && JsonValue.Parse(body) is JsonObject)
        {
            changed = _v3 is null || !body.AsSpan().SequenceEqual(_v3);
            (_v3, _v3Tag) = (body, tag);
        }
        (code, body, tag) = await http.GetAsync(remote, "/openapi/v2", "application/json", _v2Tag, ct).ConfigureAwait(false);
        if (code == 200 && JsonValue.Parse(body) is JsonObject v2)
        {
            var (paths, definitions) = Ours(v2, path, remote.Version);
            changed |= !paths.SequenceEqual(_paths) || !definitions.SequenceEqual(_definitions);
            (_paths, _definitions, _v2Tag) = (paths, definitions, tag);
        }
        if (!changed) return;
        var (v3, v2Paths, v2Definitions) = (_v3 ?? """{"openapi":"3.0.0","info":{"title":"","version":""},"paths":{}}"""u8.ToArray(), _paths, _definitions);
        _part = new(remote.Version, () => v3, json => Write(json, v2Paths), json => Write(json, v2Definitions));
    }

    static void Write(Utf8JsonWriter json, List<JsonMember> members)
    {
        foreach (var (name, value) in members)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value.ToUtf8());
        }
    }

    /// <summary>The paths below the version, and the definitions that these lead to under names that nobody else has: two servers may differ about the same type.</summary>
    internal static (List<JsonMember> Paths, List<JsonMember> Definitions) Ours(JsonObject document, string below, Api.GroupVersion version)
    {
        var paths = new List<JsonMember>();
        var definitions = document["definitions"] as JsonObject ?? JsonObject.Empty;
        var needed = new Dictionary<string, string>();
        var queue = new Queue<string>();
        string suffix = Suffix + version.Group + Suffix + version.Version;
        string Name(string of)
        {
            if (needed.TryGetValue(of, out string? name)) return name;
            // Its own types keep their names.
            needed[of] = name = of.StartsWith("io.k8s.", StringComparison.Ordinal) ? of + suffix : of;
            queue.Enqueue(of);
            return name;
        }
        foreach (var (name, value) in document["paths"] as JsonObject ?? JsonObject.Empty)
            if (name == below + "/" || name.StartsWith(below + "/", StringComparison.Ordinal)) paths.Add(new(name, Renamed(value, Name)));
        var found = new List<JsonMember>();
        while (queue.TryDequeue(out string? next))
            if (definitions[next] is { } definition) found.Add(new(needed[next], Renamed(definition, Name)));
        return (paths, found);
    }

    static JsonValue Renamed(JsonValue value, Func<string, string> name)
    {
        const string Reference = "#/definitions/";
        switch (value)
        {
            case JsonObject o:
                var members = new (string, JsonValue)[o.Count];
                for (int i = 0; i < o.Count; i++)
                    members[i] = (o[i].Name, o[i] is { Name: "$ref", Value: JsonString { Value: var to } } && to.StartsWith(Reference, StringComparison.Ordinal)
                        ? Reference + name(to[Reference.Length..]) : Renamed(o[i].Value, name));
                return JsonObject.Of(members);
            case JsonArray a: return new JsonArray([.. a.Items.Select(i => Renamed(i, name))]);
            default: return value;
        }
    }
}
