using System.Collections.Immutable;
using Hanbae.Api.Schema;

namespace Hanbae.Api.Rest;

/// <summary>Resources of beta and alpha versions that a cluster serves though they are off by default: said once to its server, its bootstrap and its controllers (upstream's <c>--runtime-config</c>).</summary>
public sealed record MoreServed(ImmutableArray<ResourceInfo> Resources)
{
    public static MoreServed None { get; } = new([]);

    public bool Has(GroupResource resource) => Resources.Any(r => r.Gvr.GroupResource == resource);
    public bool Has(KindInfo kind) => Resources.Any(r => r.Kind == kind);
}
