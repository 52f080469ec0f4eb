using System.Collections.Immutable;

namespace Hanbae.Api.Schema;

/// <summary>One file of <c>api/</c>, read: the types of a group and version, and the resources that serve them.</summary>
/// <remarks>
/// The build reads it to emit C# types; the running program reads it for what only some requests need (merge keys, required fields,
/// OpenAPI, columns). The grammar is in <c>docs/adding-a-kind.md</c>. Compiled into both, so it depends on nothing.
/// </remarks>
public sealed class ApiFile
{
    public required string Group { get; init; }
    public required string Version { get; init; }
    /// <summary>Folder and file, as types of other files name this one: <c>core/v1</c>.</summary>
    public required string Path { get; init; }
    /// <summary>Protobuf package.</summary>
    public required string Package { get; init; }
    /// <summary>Prefix of OpenAPI definition names.</summary>
    public required string Definitions { get; init; }
    public required ImmutableArray<ApiType> Types { get; init; }
    public required ImmutableArray<ApiResource> Resources { get; init; }

    /// <param name="path">Folder and file without its ending, such as <c>core/v1</c>.</param>
    /// <exception cref="FormatException">A line that does not parse, with its number.</exception>
    public static ApiFile Parse(string path, string text)
    {
        var head = new Dictionary<string, string>();
        var types = ImmutableArray.CreateBuilder<ApiType>();
        var resources = ImmutableArray.CreateBuilder<ApiResource>();
        ApiType? type = null;
        ApiResource? resource = null;
        string doc = "";
        int number = 0;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            number++;
            string line = text[range].TrimEnd();
            if (line.Length == 0) { doc = ""; continue; }
            string trimmed = line.TrimStart();
            if (trimmed[0] == '#') { doc = (doc.Length == 0 ? "" : doc + " ") + trimmed[1..].Trim(); continue; }
            string[] words = Words(trimmed);
            try
            {
                if (line[0] == ' ')
                {
                    if (type is not null) type.Fields.Add(ApiField.Parse(words, doc));
                    else if (resource is not null) resource.Add(words);
                    else throw new FormatException("a field outside of a type");
                }
                else if (words[0] is "type" or "kind" or "part")
                {
                    resource = null;
                    types.Add(type = new ApiType(words[1], words[0] == "kind", words[0] == "part", words.Contains("listed"), words.Contains("atomic"), doc));
                }
                else if (words[0] == "resource")
                {
                    type = null;
                    resources.Add(resource = new ApiResource(words));
                }
                else head[words[0]] = words[1] == "\"\"" ? "" : words[1];
            }
            catch (Exception e) when (e is IndexOutOfRangeException or FormatException)
            {
                throw new FormatException($"api/{path}.api:{number}: {e.Message}: {line}", e);
            }
            doc = "";
        }
        return new()
        {
            Path = path, Group = head["group"], Version = head["version"], Package = head["package"], Definitions = head["definitions"],
            Types = types.DrainToImmutable(), Resources = resources.DrainToImmutable(),
        };
    }

    /// <summary>Splits at blanks outside of double quotes.</summary>
    static string[] Words(string line)
    {
        var words = new List<string>();
        int start = 0;
        bool quoted = false;
        for (int i = 0; i <= line.Length; i++)
        {
            if (i < line.Length && line[i] == '"') quoted = !quoted;
            if (i < line.Length && (quoted || line[i] != ' ')) continue;
            if (i > start) words.Add(line[start..i]);
            start = i + 1;
        }
        return [.. words];
    }
}

/// <summary>A structure: <c>kind</c>s say what they are on the wire, <c>part</c>s are only spread into others.</summary>
public sealed record ApiType(string Name, bool IsKind, bool IsPart, bool Listed, bool Atomic, string Doc)
{
    public List<ApiField> Fields { get; } = [];
}

/// <summary>A field line: <c>name? []Type = 7 required merge(name) list=map(name)</c>, or a spread: <c>...Part = 2</c>.</summary>
public sealed record ApiField
{
    public required string Name { get; init; }
    /// <summary>Protobuf number.</summary>
    public required int Number { get; init; }
    /// <summary>The type's name without <c>*</c> and <c>[]</c>; of a map, its value's.</summary>
    public required string Type { get; init; }
    public bool Spread { get; init; }
    public bool OmitEmpty { get; init; }
    public bool OmitZero { get; init; }
    public bool Pointer { get; init; }
    public bool List { get; init; }
    public bool Map { get; init; }
    /// <summary>The rest of the line: <c>required</c>, <c>merge(key)</c>, <c>list=…</c>, <c>enum=…</c>, <c>default=…</c>.</summary>
    public ImmutableArray<string> Flags { get; init; } = [];
    public string Doc { get; init; } = "";

    internal static ApiField Parse(string[] words, string doc)
    {
        if (words[0].StartsWith("...", StringComparison.Ordinal))
            return new() { Name = "", Spread = true, Type = words[0][3..], Number = int.Parse(words[2]), Doc = doc };
        string name = words[0], type = words[1];
        bool zero = name.EndsWith("?0", StringComparison.Ordinal), empty = name.EndsWith('?');
        bool map = type == "map";
        if (map) type = words[2];
        int equals = map ? 3 : 2;
        if (words[equals] != "=") throw new FormatException("expected '='");
        return new()
        {
            Name = zero ? name[..^2] : empty ? name[..^1] : name,
            OmitZero = zero, OmitEmpty = empty || zero,
            Map = map, List = type.StartsWith("[]", StringComparison.Ordinal), Pointer = type[0] == '*',
            Type = type.TrimStart('*').Replace("[]", "", StringComparison.Ordinal),
            Number = int.Parse(words[equals + 1]),
            Flags = [.. words.AsSpan(equals + 2)],
            Doc = doc,
        };
    }

    /// <summary>What stands behind <c>flag=</c> or in <c>flag(…)</c>; empty when the flag stands alone; null when it is absent.</summary>
    public string? Flag(string flag)
    {
        foreach (string f in Flags)
            if (f.StartsWith(flag, StringComparison.Ordinal))
                if (f.Length == flag.Length) return "";
                else if (f[flag.Length] == '=') return f[(flag.Length + 1)..];
                else if (f[flag.Length] == '(') return f[(flag.Length + 1)..^1];
        return null;
    }
}

/// <summary>A resource block: <c>resource pods Pod namespaced short=po categories=all</c>, its verbs, subresources and columns.</summary>
public sealed class ApiResource(string[] words)
{
    static readonly ImmutableArray<string> AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public string Plural { get; } = words[1];
    public string Kind { get; } = words[2];
    public bool Namespaced { get; } = words.Contains("namespaced");
    public string Singular { get; } = Option(words, "singular=") is [var one, ..] ? one : words[2].ToLowerInvariant();
    public ImmutableArray<string> ShortNames { get; } = Option(words, "short=");
    public ImmutableArray<string> Categories { get; } = Option(words, "categories=");
    /// <summary>Since when upstream advises against it, since when upstream no longer has it (empty when it does), and what it advises instead.</summary>
    public ImmutableArray<string> Deprecated { get; } = Option(words, "deprecated=");
    public ImmutableArray<string> Verbs { get; private set; } = [];
    /// <summary>Upstream's storage version hash, published in discovery.</summary>
    public string StorageHash { get; private set; } = "";
    public List<ApiSubresource> Subresources { get; } = [];
    public List<ApiColumn> Columns { get; } = [];

    internal void Add(string[] line)
    {
        switch (line[0])
        {
            case "verbs": Verbs = line[1] == "all" ? AllVerbs : [.. line[1].Split(',')]; break;
            case "hash": StorageHash = line[1]; break;
            case "sub": Subresources.Add(new(line[1], line[2], [.. line[3].Split(',')])); break;
            case "column":
                Columns.Add(new(line[1].Trim('"'), line[2], Option(line, "format=") is [var f, ..] ? f : "", Option(line, "priority=") is [var p, ..] ? int.Parse(p) : 0));
                break;
            default: throw new FormatException("unknown resource line");
        }
    }

    static ImmutableArray<string> Option(string[] words, string prefix) =>
        words.FirstOrDefault(w => w.StartsWith(prefix, StringComparison.Ordinal)) is { } word ? [.. word[prefix.Length..].Split(',')] : [];
}

/// <summary>A subresource and the kind it takes, which is of the same file unless written as <c>group/version.Kind</c>.</summary>
public sealed record ApiSubresource(string Name, string Kind, ImmutableArray<string> Verbs);

/// <summary>A printed column; priority 0 is shown always, others with <c>-o wide</c>.</summary>
public sealed record ApiColumn(string Name, string Type, string Format, int Priority);
