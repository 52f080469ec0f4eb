using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Server.Crd;

namespace Hanbae.Server.OpenApi;

/// <summary>The definitions that a document needs: those that its paths name, and all that these refer to.</summary>
sealed class Definitions
{
    const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

    /// <summary>A type, the list of a kind, or one of <see cref="SpecialSchemas"/>.</summary>
    public sealed record Definition(string Name, TypeSchema? Type = null, KindInfo? ListOf = null, CustomKind? Custom = null);

    readonly SortedDictionary<string, Definition> _all = new(StringComparer.Ordinal);

    public IReadOnlyCollection<Definition> All => _all.Values;

    /// <returns>The definition's name.</returns>
    public string Add(KindInfo kind)
    {
        if (kind is not CustomKind custom) return Add(kind.Schema);
        string name = NameOf(kind);
        if (_all.TryAdd(name, new(name, Custom: custom))) AddMeta("ObjectMeta");
        return name;
    }

    /// <summary>Of a custom kind as upstream names it: its group backwards.</summary>
    public static string NameOf(KindInfo kind) =>
        kind is CustomKind ? string.Join('.', kind.Gvk.Group.Split('.').Reverse()) + "." + kind.Gvk.Version + "." + kind.Kind : kind.Schema.Name;

    public string AddMeta(string type) => Add(ApiData.Type("meta/v1", type));

    public string AddSpecial(string name)
    {
        _all.TryAdd(name, new(name));
        return name;
    }

    public string AddList(KindInfo kind)
    {
        string name = kind is CustomKind ? NameOf(kind)[..^kind.Kind.Length] + kind.ListKind : kind.Schema.Name + "List";
        if (_all.TryAdd(name, new(name, ListOf: kind)))
        {
            Add(kind);
            AddMeta("ListMeta");
        }
        return name;
    }

    string Add(TypeSchema type)
    {
        if (!_all.TryAdd(type.Name, new(type.Name, type))) return type.Name;
        foreach (var field in type.Fields)
            if (field.Type is { } inner) Add(inner);
            else if (SpecialSchemas.NameOf(type, field) is { } special) AddSpecial(special);
        return type.Name;
    }

    /// <param name="name">As subresources write it: a kind of the same version, or <c>group/version.Kind</c>.</param>
    public static KindInfo KindOf(GroupVersion here, string name)
    {
        int slash = name.IndexOf('/');
        if (slash < 0) return ApiData.Kind(here.Kind(name))!;
        int dot = name.LastIndexOf('.');
        return ApiData.Kind(new(name[..slash], name[(slash + 1)..dot], name[(dot + 1)..]))!;
    }

    static readonly Lazy<ImmutableDictionary<string, GroupVersion>> s_versions =
        new(() => ApiData.AllFiles.ToImmutableDictionary(f => f.Definitions, f => new GroupVersion(f.Group, f.Version)));

    /// <summary>The kind that a definition is, or null when it is none or one of all groups.</summary>
    public static GroupVersionKind? KindOf(TypeSchema type)
    {
        if (!type.IsKind) return null;
        int dot = type.Name.LastIndexOf('.');
        // What belongs to every group is published as core's.
        return type.Name.StartsWith(Meta, StringComparison.Ordinal) ? new("", "v1", type.Name[Meta.Length..])
            : s_versions.Value.TryGetValue(type.Name[..dot], out var gv) ? gv.Kind(type.Name[(dot + 1)..]) : null;
    }
}
