using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Server.Discovery;

/// <summary>One API group as clients discover it: built in, made of CustomResourceDefinitions, or served by another server.</summary>
/// <param name="Versions">The preferred one first.</param>
/// <param name="Priority">Of a group that another server serves, what its APIServices say: it has its place among the others by that. 0 of others.</param>
public sealed record ServedGroup(string Name, ImmutableArray<ServedVersion> Versions, int Priority = 0)
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
            if (group.Priority > 0) Place(joined, at, group);
            else if (at < 0) joined.Add(group);
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

    /// <summary>What another server serves is its own, whoever else has the version; the group comes before all of less priority, but behind the registry of APIServices.</summary>
    static void Place(List<ServedGroup> all, int at, ServedGroup group)
    {
        if (at >= 0)
        {
            var known = all[at];
            all.RemoveAt(at);
            group = group with
            {
                Versions = [.. group.Versions.Concat(known.Versions.Where(k => group.Versions.All(v => v.Version != k.Version)))
                    .OrderByDescending(v => v.Priority).ThenBy(v => v.Version, VersionOrder.Instance)],
                Priority = Math.Max(group.Priority, PriorityOf(known)),
            };
        }
        int before = all.FindIndex(g => g.Name is not ("" or "apiregistration.k8s.io") && PriorityOf(g) < group.Priority);
        all.Insert(before < 0 ? all.Count : before, group);
    }

    static int PriorityOf(ServedGroup group) => group.Priority > 0 ? group.Priority : Aggregation.BuiltInServices.GroupPriority(group.Name);
}

/// <summary>A version of a group.</summary>
/// <param name="Resources">As <c>/apis/{group}/{version}</c> lists them, each followed by its subresources.</param>
/// <param name="Stale">The server behind it does not answer; the resources are the last known ones.</param>
/// <param name="Priority">Among its group's versions, as its APIService says.</param>
public sealed record ServedVersion(string Version, Seq<APIResource> Resources, bool Stale = false, int Priority = Aggregation.BuiltInServices.Definitions)
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
