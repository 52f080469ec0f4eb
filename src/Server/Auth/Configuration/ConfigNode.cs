using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Reads a configuration file and says of what it does not know where it stands: a misspelt setting must not be a silent one.</summary>
/// <param name="where">The path of the object in the file; empty for the file itself.</param>
sealed class ConfigNode(JsonObject json, string where)
{
    const string Group = "apiserver.config.k8s.io";

    readonly HashSet<string> _read = [];
    readonly List<ConfigNode> _within = [];

    /// <summary>A file of the API server's own configuration group.</summary>
    /// <exception cref="FormatException">It is no YAML, or another kind or version.</exception>
    public static ConfigNode Read(string yaml, string kind, params ReadOnlySpan<string> versions)
    {
        var duplicates = new List<string>();
        JsonValue tree;
        try { tree = YamlReader.Read(yaml, duplicates); }
        catch (YamlException e) { throw new FormatException(e.Message, e); }
        if (duplicates.Count > 0) throw new FormatException("strict decoding error: " + YamlReader.DuplicatesMessage(duplicates));
        if (tree is not JsonObject root) throw new FormatException("the file is no object");
        var node = new ConfigNode(root, "");
        string apiVersion = node.Text("apiVersion"), found = node.Text("kind");
        foreach (string version in versions)
            if (found == kind && apiVersion == $"{Group}/{version}") return node;
        throw new FormatException($"no kind {GoQuote.Text(found)} is registered for version {GoQuote.Text(apiVersion)}; want {kind} of {Group}/{versions[0]}");
    }

    public string Where => where;

    /// <exception cref="FormatException">Something in the file was not asked for.</exception>
    public void End()
    {
        var unknown = Unknown().ToArray();
        if (unknown.Length > 0) throw new FormatException("strict decoding error: " + string.Join(", ", unknown.Select(u => $"unknown field {GoQuote.Text(u)}")));
    }

    IEnumerable<string> Unknown() => json.Members.Where(m => !_read.Contains(m.Name)).Select(m => At(m.Name)).Concat(_within.SelectMany(w => w.Unknown()));

    string At(string name) => where.Length == 0 ? name : where + "." + name;

    JsonValue? Find(string name)
    {
        _read.Add(name);
        return json[name] is JsonNull ? null : json[name];
    }

    FormatException Wrong(string name, string wanted) => new($"{At(name)}: must be {wanted}");

    public string? TextOrNull(string name) => Find(name) switch { null => null, JsonString s => s.Value, _ => throw Wrong(name, "a string") };
    public string Text(string name) => TextOrNull(name) ?? "";
    public bool Bool(string name, bool otherwise) => Find(name) switch { null => otherwise, JsonBool b => b.Value, _ => throw Wrong(name, "true or false") };

    /// <summary>Such as <c>30s</c>; null when it is missing.</summary>
    public TimeSpan? Length(string name) => Find(name) switch
    {
        null => null,
        JsonString s when Duration.TryParse(s.Value, out var d) => d.ToTimeSpan(),
        _ => throw Wrong(name, "a duration such as 30s"),
    };

    public IReadOnlyList<string> Texts(string name) => Find(name) switch
    {
        null => [],
        JsonArray a when a.Items.All(i => i is JsonString) => [.. a.Items.Select(i => ((JsonString)i).Value)],
        _ => throw Wrong(name, "a list of strings"),
    };

    public ConfigNode? ObjectOrNull(string name) => Find(name) switch { null => null, JsonObject o => Within(o, At(name)), _ => throw Wrong(name, "an object") };
    public ConfigNode Object(string name) => ObjectOrNull(name) ?? new(JsonObject.Empty, At(name));

    public IReadOnlyList<ConfigNode> Objects(string name) => Find(name) switch
    {
        null => [],
        JsonArray a when a.Items.All(i => i is JsonObject) => [.. a.Items.Select((o, i) => Within((JsonObject)o, $"{At(name)}[{i}]"))],
        _ => throw Wrong(name, "a list of objects"),
    };

    ConfigNode Within(JsonObject o, string at)
    {
        var node = new ConfigNode(o, at);
        _within.Add(node);
        return node;
    }
}
