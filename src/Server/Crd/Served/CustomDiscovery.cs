using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Crd.Served;

/// <summary>What clients are told of custom resources: groups and versions, and their description. Parts that did not change are kept, so that nobody renders them again.</summary>
sealed class CustomDiscovery
{
    public static CustomDiscovery None { get; } = new([], [], []);

    static readonly ImmutableArray<string> s_ending = ["delete", "deletecollection", "get", "list", "watch"];

    readonly Dictionary<GroupVersion, (ImmutableArray<Resource> Resources, OpenApiPart Part)> _parts;

    CustomDiscovery(ImmutableArray<ServedGroup> groups, ImmutableArray<OpenApiPart> openApi, Dictionary<GroupVersion, (ImmutableArray<Resource>, OpenApiPart)> parts) =>
        (Groups, OpenApi, _parts) = (groups, openApi, parts);

    public ImmutableArray<ServedGroup> Groups { get; }
    public ImmutableArray<OpenApiPart> OpenApi { get; }

    public static CustomDiscovery Of(ImmutableArray<CustomResource> custom, CustomDiscovery before)
    {
        var groups = ImmutableArray.CreateBuilder<ServedGroup>();
        var parts = new Dictionary<GroupVersion, (ImmutableArray<Resource>, OpenApiPart)>();
        foreach (var group in custom.SelectMany(c => c.Resources).GroupBy(r => r.Info.Gvr.Group).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var versions = ImmutableArray.CreateBuilder<ServedVersion>();
            foreach (var version in group.GroupBy(r => r.Info.Gvr.Version).OrderBy(v => v.Key, VersionOrder.Instance))
            {
                var gv = new GroupVersion(group.Key, version.Key);
                ImmutableArray<Resource> resources = [.. version.OrderBy(r => r.Info.Gvr.Resource, StringComparer.Ordinal)];
                // What is ending is still there to be read and deleted, and nothing else is told of it.
                versions.Add(ServedVersion.Of(gv, resources.Select(r => r.Custom!.Ending ? r.Info with { Verbs = s_ending } : r.Info)));
                parts[gv] = before._parts.TryGetValue(gv, out var kept) && kept.Resources.SequenceEqual(resources) ? kept : (resources, CustomOpenApi.Of(gv, [.. resources.Select(r => r.Info)]));
            }
            groups.Add(new(group.Key, versions.DrainToImmutable()));
        }
        return new(groups.DrainToImmutable(), [.. parts.Values.Select(p => p.Item2)], parts);
    }
}
