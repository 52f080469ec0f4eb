using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Server.OpenApi;

/// <summary>The groups and versions that a server describes of itself, each with its document: what is served by default, what upstream has given up if that is served, what is no storage.</summary>
/// <remarks>They never change while a server runs, so that each is rendered once, whatever comes and goes beside it.</remarks>
sealed class DescribedVersions
{
    static readonly DescribedVersions s_today = new(false, []), s_legacyToo = new(true, []);

    readonly bool _legacy;
    readonly ImmutableArray<ResourceInfo> _besides;
    readonly ConcurrentDictionary<GroupVersion, Lazy<KeptDocument>> _v3 = new();
    readonly Lazy<ImmutableArray<GroupVersion>> _all;

    DescribedVersions(bool legacy, ImmutableArray<ResourceInfo> besides)
    {
        (_legacy, _besides) = (legacy, besides);
        _all = new(() =>
        [
            .. ApiData.Groups.SelectMany(g => g.Default.Concat(legacy ? g.Legacy : []).Select(v => new GroupVersion(g.Name, v)))
                .Concat(besides.Select(r => r.Gvr.GroupVersion)).Distinct(),
        ]);
    }

    /// <param name="besides">Resources that are answered by paths.</param>
    public static DescribedVersions Of(bool legacy, ImmutableArray<ResourceInfo> besides) =>
        !besides.IsDefaultOrEmpty ? new(legacy, besides) : legacy ? s_legacyToo : s_today;

    public ImmutableArray<GroupVersion> All => _all.Value;

    public IEnumerable<ResourceInfo> Resources(GroupVersion version) =>
        (ApiData.Groups.Any(g => g.Name == version.Group && g.Default.Contains(version.Version)) ? Api.Rest.Resources.Of(version) : [])
            .Concat(_legacy ? Api.Rest.Resources.LegacyOf(version) : []).Concat(_besides.Where(r => r.Gvr.GroupVersion == version));

    public KeptDocument V3(GroupVersion version) => _v3.GetOrAdd(version, v => new(() => KeptDocument.Of(OpenApiDocument.V3(Resources(v), All)))).Value;
}
