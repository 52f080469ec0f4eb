using System.Collections.Immutable;
using Hanbae.Api.Schema;

namespace Hanbae.Api.Rest;

/// <summary>One served resource: where it is, what it holds, what can be done to it.</summary>
public sealed record ResourceInfo
{
    public required GroupVersionResource Gvr { get; init; }
    public required KindInfo Kind { get; init; }
    public required string Singular { get; init; }
    public required bool Namespaced { get; init; }
    public ImmutableArray<string> Verbs { get; init; } = [];
    public ImmutableArray<string> ShortNames { get; init; } = [];
    public ImmutableArray<string> Categories { get; init; } = [];
    public ImmutableArray<ApiSubresource> Subresources { get; init; } = [];
    public ImmutableArray<ApiColumn> Columns { get; init; } = [];
    public string StorageHash { get; init; } = "";
    /// <summary>What clients that use it are told; empty unless they had better use another.</summary>
    public string Deprecation { get; init; } = "";
    /// <summary>The release of upstream that has it no longer; empty when none is known.</summary>
    public string Removed { get; init; } = "";
    /// <summary>Upstream no longer serves it.</summary>
    public bool Legacy { get; init; }

    /// <summary>The collection's path.</summary>
    /// <param name="ns">Namespace; empty for all of them, or for cluster-scoped resources.</param>
    public string Path(string ns = "", string name = "", string subresource = "")
    {
        string path = Gvr.Group.Length == 0 ? "/api/" + Gvr.Version : "/apis/" + Gvr.Group + "/" + Gvr.Version;
        if (Namespaced && ns.Length > 0) path += "/namespaces/" + ns;
        path += "/" + Gvr.Resource;
        if (name.Length > 0) path += "/" + Uri.EscapeDataString(name);
        return subresource.Length > 0 ? path + "/" + subresource : path;
    }
}

/// <summary>The built-in resources, from <c>api/</c>.</summary>
public static class Resources
{
    static class Holder<T> where T : class, IObject<T>
    {
        internal static readonly ResourceInfo Value = T.Info.Resource ?? All(new GroupVersion(T.Info.Gvk.Group, T.Info.Gvk.Version)).First(r => r.Kind == T.Info);
    }

    /// <summary>Where objects of type <typeparamref name="T"/> are.</summary>
    /// <exception cref="InvalidOperationException">The kind is no resource of its own.</exception>
    public static ResourceInfo Of<T>() where T : class, IObject<T> => Holder<T>.Value;

    /// <summary>The resources of a group and version, in discovery order.</summary>
    public static ImmutableArray<ResourceInfo> Of(GroupVersion gv) => [.. All(gv).Where(r => !r.Legacy)];

    /// <summary>Those of them that upstream no longer serves.</summary>
    public static ImmutableArray<ResourceInfo> LegacyOf(GroupVersion gv) => [.. All(gv).Where(r => r.Legacy)];

    static IEnumerable<ResourceInfo> All(GroupVersion gv) =>
        ApiData.File(gv) is not { } file ? [] :
        file.Resources.Select(r => new ResourceInfo
        {
            Deprecation = Advice(gv, r), Removed = r.Deprecated is [_, { Length: > 0 } gone, ..] ? gone : "", Legacy = r.Deprecated is [_, { Length: > 0 }, ..],
            Gvr = gv.Resource(r.Plural), Kind = ApiData.Kind(gv.Kind(r.Kind))!, Singular = r.Singular, Namespaced = r.Namespaced, Verbs = r.Verbs,
            ShortNames = r.ShortNames, Categories = r.Categories, Subresources = [.. r.Subresources], Columns = [.. r.Columns], StorageHash = r.StorageHash,
        });

    /// <summary>In upstream's words.</summary>
    static string Advice(GroupVersion gv, ApiResource r) => r.Deprecated switch
    {
        [] => "",
        [var since, .. var rest] => $"{gv} {r.Kind} is deprecated in v{since}+"
            + (rest is [{ Length: > 0 } gone, ..] ? $", unavailable in v{gone}+" : "")
            + (rest is [_, { Length: > 0 } instead, ..] ? $"; use {(instead.Split('/').Length > 2 ? instead[..instead.LastIndexOf('/')] + " " + instead[(instead.LastIndexOf('/') + 1)..] : instead + " " + r.Kind)}" : ""),
    };
}
