using Hanbae.Api;
using Hanbae.Api.Apidiscovery.V2;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Kind = Hanbae.Api.Meta.V1.GroupVersionKind;

namespace Hanbae.Server.Discovery;

/// <summary>Discovery in one piece (KEP-3352): subresources stand inside of their resource.</summary>
static class AggregatedForm
{
    public static APIGroupDiscovery Of(ServedGroup group) => new()
    {
        Metadata = new() { Name = group.Name },
        Versions = [.. group.Versions.Select(v => new APIVersionDiscovery { Version = v.Version, Resources = Resources(v), Freshness = v.Stale ? "Stale" : "Current" })],
    };

    static Seq<APIResourceDiscovery> Resources(ServedVersion version)
    {
        var resources = new List<APIResourceDiscovery>();
        foreach (var entry in version.Resources)
        {
            // As upstream: the group and version of the path stand as empty texts; clients fill them in.
            var kind = new Kind { Group = entry.Group, Version = entry.Version, Kind = entry.Kind };
            int slash = entry.Name.IndexOf('/');
            if (slash < 0)
                resources.Add(new()
                {
                    Resource = entry.Name, ResponseKind = kind, Scope = entry.Namespaced ? "Namespaced" : "Cluster", SingularResource = entry.SingularName,
                    Verbs = entry.Verbs, ShortNames = entry.ShortNames, Categories = entry.Categories,
                });
            else
            {
                int at = resources.FindIndex(r => r.Resource == entry.Name[..slash]);
                if (at < 0)
                {
                    // A subresource of something that cannot itself be asked for: the parent has no kind then.
                    resources.Add(new() { Resource = entry.Name[..slash], Scope = entry.Namespaced ? "Namespaced" : "Cluster", Verbs = [] });
                    at = resources.Count - 1;
                }
                var sub = new APISubresourceDiscovery { Subresource = entry.Name[(slash + 1)..], ResponseKind = kind, Verbs = entry.Verbs };
                resources[at] = resources[at] with { Subresources = resources[at].Subresources.Add(sub) };
            }
        }
        return [.. resources];
    }

    public static byte[] Protobuf(APIGroupDiscovery[] items, string apiVersion)
    {
        var writer = new ProtoWriter();
        try
        {
            // The envelope of Envelope.Wrap around a list message: metadata (1) and items (2), last field first.
            writer.String(4, "");
            writer.String(3, "");
            int start = writer.Length;
            writer.Messages<APIGroupDiscovery>(2, [.. items]);
            writer.Message(1, new ListMeta());
            writer.EndMessage(2, start);
            start = writer.Length;
            writer.String(2, "APIGroupDiscoveryList");
            writer.String(1, apiVersion);
            writer.EndMessage(1, start);
            writer.Raw(Envelope.Magic);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }
}
