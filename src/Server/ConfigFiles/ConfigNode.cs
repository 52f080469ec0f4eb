using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Server.ConfigFiles;

/// <summary>Reads a configuration file and says of what it does not know where it stands: a misspelt setting must not be a silent one.</summary>
/// <param name="where">The path of the object in the file; empty for the file itself.</param>
sealed class ConfigNode(JsonObject json, string where)
{
    readonly HashSet<string> _read = [];
    readonly List<ConfigNode> _within = [];

    /// <summary>A file, whatever kind it is of.</summary>
    /// <exception cref="FormatException">It is no YAML, or no object.</exception>
    public static ConfigNode Read(string yaml)
    {
        var duplicates = new List<string>();
        JsonValue tree;
        try { tree = YamlReader.Read(yaml, duplicates); }
        catch (YamlException e) { throw new FormatException("failed decoding: " + e.Message, e); }
        if (duplicates.Count > 0) throw new FormatException("strict decoding error: " + YamlReader.DuplicatesMessage(duplicates));
        return tree is JsonObject root ? new(root, "") : throw new FormatException("the file is no object");
    }

    /// <summary>A file of that kind.</summary>
    /// <param name="versions">Any of these, such as <c>apiserver.config.k8s.io/v1</c>; errors name the first.</param>
    /// <exception cref="FormatException">It is no YAML, or another kind or version.</exception>
    public static ConfigNode Read(string yaml, string kind, params ReadOnlySpan<string> versions)
    {
        var node = Read(yaml);
        node.Is(kind, versions);
        return node;
    }

    /// <exception cref="FormatException">It is of another kind or version.</exception>
    public void Is(string kind, params ReadOnlySpan<string> versions)
    {
        if (!IsOf(kind, versions)) throw new FormatException($"no kind {GoQuote.Text(Text("kind"))} is registered for version {GoQuote.Text(Text("apiVersion"))}; want {kind} of {versions[0]}");
        // Of what is kept in files nobody reads it.
        Find("metadata");
    }

    public bool IsOf(string kind, params ReadOnlySpan<string> versions) => Text("kind") == kind & versions.Contains(Text("apiVersion"));

    public string Where => where;
    /// <summary>The members that there are, known or not.</summary>
    public IEnumerable<string> Names => json.Members.Select(m => m.Name);
    public bool IsEmpty => json.Count == 0;
    /// <summary>A member in whatever form.</summary>
    public JsonValue? Value(string name) => Find(name);

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
    /// <summary>0 when it is missing.</summary>
    public double Number(string name) => Find(name) switch { null => 0, JsonNumber n => n.Double, _ => throw Wrong(name, "a number") };
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

    /// <summary>All members as texts, by name.</summary>
    public IReadOnlyDictionary<string, string> AllTexts() => Names.ToDictionary(n => n, n => Text(n), StringComparer.Ordinal);

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
