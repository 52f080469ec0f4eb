using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Server.Discovery;

/// <summary>One API group as clients discover it: built in, made of CustomResourceDefinitions, or served by another server.</summary>
/// <param name="Versions">The preferred one first.</param>
public sealed record ServedGroup(string Name, ImmutableArray<ServedVersion> Versions)
{
    /// <summary>What this server is built with and serves by default, in upstream's order; core first.</summary>
    public static ImmutableArray<ServedGroup> BuiltIn { get; } =
    [
        .. ApiData.Groups.Where(g => !g.Default.IsEmpty)
            .Select(g => new ServedGroup(g.Name, [.. g.Default.Select(v => ServedVersion.Of(new(g.Name, v), Resources.Of(new Api.GroupVersion(g.Name, v))))])),
    ];

    /// <summary>Of resources that are served besides.</summary>
    public static ImmutableArray<ServedGroup> Of(IEnumerable<ResourceInfo> resources) =>
        [.. resources.GroupBy(r => r.Gvr.Group).Select(g => new ServedGroup(g.Key, [.. g.GroupBy(r => r.Gvr.GroupVersion).Select(v => ServedVersion.Of(v.Key, v))]))];

    /// <summary>One list of both, the versions of a group that is in both together.</summary>
    public static ImmutableArray<ServedGroup> Join(ImmutableArray<ServedGroup> first, ImmutableArray<ServedGroup> more)
    {
        if (more.IsEmpty) return first;
        var joined = first.ToList();
        foreach (var group in more)
        {
            int at = joined.FindIndex(g => g.Name == group.Name);
            if (at < 0) joined.Add(group);
            else joined[at] = joined[at] with
            {
                Versions =
                [
                    .. joined[at].Versions.Select(known => group.Versions.FirstOrDefault(v => v.Version == known.Version) is { } same
                        ? known with { Resources = [.. known.Resources, .. same.Resources.Where(r => !known.Resources.Exists(k => k.Name == r.Name))] } : known),
                    .. group.Versions.Where(v => joined[at].Versions.All(known => known.Version != v.Version)),
                ],
            };
        }
        return [.. joined];
    }
}

/// <summary>A version of a group.</summary>
/// <param name="Resources">As <c>/apis/{group}/{version}</c> lists them, each followed by its subresources.</param>
/// <param name="Stale">The server behind it does not answer; the resources are the last known ones.</param>
public sealed record ServedVersion(string Version, Seq<APIResource> Resources, bool Stale = false)
{
    public static ServedVersion Of(Api.GroupVersion gv, IEnumerable<ResourceInfo> resources) => new(gv.Version, [.. resources.SelectMany(Entries)]);

    static IEnumerable<APIResource> Entries(ResourceInfo resource)
    {
        yield return new()
        {
            Name = resource.Gvr.Resource, SingularName = resource.Singular, Namespaced = resource.Namespaced, Kind = resource.Kind.Kind, Verbs = [.. resource.Verbs],
            ShortNames = resource.ShortNames.IsEmpty ? default : [.. resource.ShortNames], Categories = resource.Categories.IsEmpty ? default : [.. resource.Categories],
            StorageVersionHash = resource.StorageHash,
        };
        foreach (var sub in resource.Subresources)
        {
            // The group and version are told only where they are not those of the path.
            int dot = sub.Kind.LastIndexOf('.'), slash = sub.Kind.IndexOf('/');
            yield return new()
            {
                Name = resource.Gvr.Resource + "/" + sub.Name, Namespaced = resource.Namespaced, Verbs = [.. sub.Verbs],
                Group = slash < 0 ? "" : sub.Kind[..slash], Version = slash < 0 ? "" : sub.Kind[(slash + 1)..dot], Kind = slash < 0 ? sub.Kind : sub.Kind[(dot + 1)..],
            };
        }
    }
}
