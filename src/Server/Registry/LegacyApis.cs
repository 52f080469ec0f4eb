using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;

namespace Hanbae.Server.Registry;

/// <summary>Versions that upstream has given up (extensions/v1beta1 and its like), for manifests and clients that have not: served by conversion, with upstream's warning.</summary>
public static class LegacyApis
{
    static IEnumerable<(ApiGroup Group, GroupVersion Version)> Versions => ApiData.Groups.SelectMany(g => g.Legacy.Select(v => (g, new GroupVersion(g.Name, v))));

    /// <summary>For discovery, behind the versions that there are still.</summary>
    public static ImmutableArray<ServedGroup> Groups =>
        field.IsDefault
            ? field = [.. Versions.GroupBy(v => v.Group.Name)
                .Select(g => new ServedGroup(g.Key, [.. g.Select(v => ServedVersion.Of(new(g.Key, v.Version.Version), Resources.LegacyOf(v.Version).Select(Nameless)))]))]
            : field;

    /// <summary>Short names and categories are those of the version of today: kubectl would warn of two meanings, and get everything twice.</summary>
    static ResourceInfo Nameless(ResourceInfo info) => info with { ShortNames = [], Categories = [] };

    /// <summary>What a group serves: by default, and of old.</summary>
    internal static IEnumerable<ResourceInfo> Served(ApiGroup group, bool legacy, MoreServed more)
    {
        foreach (var info in more.Resources)
            if (info.Gvr.Group == group.Name) yield return info;
        foreach (string version in group.Default)
            foreach (var info in Resources.Of(new GroupVersion(group.Name, version))) yield return info;
        if (!legacy) yield break;
        foreach (string version in group.Legacy)
            foreach (var info in Resources.LegacyOf(new GroupVersion(group.Name, version)))
                // It is shown as what it is kept as.
                yield return info with { Columns = Columns(Catalog.StorageKind(info.Gvr.GroupResource, info.Kind)) };
    }

    static ImmutableArray<ApiColumn> Columns(KindInfo stored) =>
        Resources.Of(stored.Gvk.GroupVersion).FirstOrDefault(r => r.Kind == stored)?.Columns ?? [];
}
