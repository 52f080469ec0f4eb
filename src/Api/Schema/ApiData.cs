using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Hanbae.Api.Schema;

/// <summary>The API as data, at run time: kinds by name, schemas and resources by group and version, each read when first asked for.</summary>
public static partial class ApiData
{
    static readonly ConcurrentDictionary<string, ApiFile> Parsed = new();
    static readonly ConcurrentDictionary<(string, string), TypeSchema> Schemas = new();

    /// <summary>The built-in kind of that name, or null.</summary>
    public static KindInfo? Kind(GroupVersionKind gvk)
    {
        foreach (var (path, group, version) in Files)
            if (group == gvk.Group && version == gvk.Version && Generated(path + "." + gvk.Kind) is { } kind)
                return kind;
        // Status, DeleteOptions and their like belong to every group and version.
        return Generated("meta/v1." + gvk.Kind);
    }

    /// <summary>The types and resources of a group and version, or null.</summary>
    public static ApiFile? File(GroupVersion gv)
    {
        foreach (var (path, group, version) in Files)
            if (group == gv.Group && version == gv.Version) return File(path);
        return null;
    }

    /// <summary>All groups and versions that Hanbae knows, served or not.</summary>
    public static IEnumerable<ApiFile> AllFiles => Files.Select(f => File(f.Path));

    /// <summary>Groups in discovery order.</summary>
    public static ImmutableArray<ApiGroup> Groups { get; } =
        [.. Text("groups").Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(ApiGroup.Parse)];

    static ApiFile File(string path) => Parsed.GetOrAdd(path, static p => ApiFile.Parse(p, Text(p + ".api")));

    static string Text(string name)
    {
        using var stream = typeof(ApiData).Assembly.GetManifestResourceStream("api/" + name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The schema of a type.</summary>
    /// <param name="path">The file, such as <c>core/v1</c>.</param>
    public static TypeSchema Type(string path, string name) => Schemas.GetOrAdd((path, name), static key => SchemaReader.Read(File(key.Item1), key.Item2));

    /// <summary>The types of a file with the parts of others resolved.</summary>
    internal static (ApiFile File, ApiType Type) Resolve(ApiFile here, string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        var file = dot < 0 ? here : File(name[..dot]);
        string type = name[(dot + 1)..];
        return (file, file.Types.First(t => t.Name == type));
    }
}

/// <summary>A group's versions in order of preference, and which of them are served by default.</summary>
public sealed record ApiGroup(string Name, ImmutableArray<string> Versions, string Preferred, ImmutableArray<string> Default)
{
    /// <summary>Versions with resources that upstream no longer serves.</summary>
    public ImmutableArray<string> Legacy { get; init; } = [];

    internal static ApiGroup Parse(string line)
    {
        string[] words = line.Split(' ');
        ImmutableArray<string> List(string key) =>
            words.FirstOrDefault(w => w.StartsWith(key + "=", StringComparison.Ordinal))?[(key.Length + 1)..] is not { } v || v == "-" ? [] : [.. v.Split(',')];
        return new(words[0] == "\"\"" ? "" : words[0], List("versions"), List("preferred") is [var preferred, ..] ? preferred : "", List("default")) { Legacy = List("legacy") };
    }
}
