using System.Text;
using Hanbae.Api.Schema;

namespace Hanbae.Tools.ApiGen;

/// <summary>All files together: finds types across them and knows their C# names.</summary>
sealed class Universe(List<ApiFile> files)
{
    readonly Dictionary<string, (ApiFile File, ApiType Type)> _types =
        files.SelectMany(f => f.Types.Select(t => (File: f, Type: t))).ToDictionary(x => x.File.Path + "." + x.Type.Name);

    public IReadOnlyList<ApiFile> Files => files;

    /// <param name="here">The file that names the type.</param>
    /// <param name="name"><c>Container</c>, or <c>core/v1.Container</c> from another file.</param>
    public (ApiFile File, ApiType Type) Find(ApiFile here, string name) =>
        _types.TryGetValue(name.Contains('/') ? name : here.Path + "." + name, out var found) ? found
            : throw new FormatException($"api/{here.Path}.api: there is no type {name}");

    /// <summary>Of the C# types that come from the file.</summary>
    public static string Namespace(ApiFile file) => "Hanbae.Api." + string.Join('.', file.Path.Split('/').Select(Pascal));

    public string TypeName(ApiFile here, string name)
    {
        foreach (var (suffix, generic) in new[] { ("OrArray", "SchemaOrArray"), ("OrBool", "SchemaOrBool"), ("OrStringArray", "SchemaOrStrings") })
            if (name == "JSONSchemaProps" + suffix) return $"global::Hanbae.Api.Schema.{generic}<JSONSchemaProps>";
        var (file, type) = Find(here, name);
        return file == here ? type.Name : $"global::{Namespace(file)}.{type.Name}";
    }

    /// <summary><c>podIP</c> → <c>PodIP</c>, <c>x-kubernetes-map-type</c> → <c>XKubernetesMapType</c>, <c>$ref</c> → <c>Ref</c>.</summary>
    public static string Pascal(string name)
    {
        var text = new StringBuilder();
        bool up = true;
        foreach (char c in name)
        {
            if (!char.IsLetterOrDigit(c)) { up = true; continue; }
            text.Append(up ? char.ToUpperInvariant(c) : c);
            up = false;
        }
        return text.ToString();
    }
}
