using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Proxy.Rules;

/// <summary>Where this proxy is: of the Node what Services ask.</summary>
internal sealed record NodePlace(string Name, string Zone = "", Seq<string> Addresses = default)
{
    const string ZoneLabel = "topology.kubernetes.io/zone";

    public static NodePlace Of(string name, Node? node) => node is null ? new(name)
        : new(name, node.Metadata.Labels[ZoneLabel] ?? "", [.. node.Status.Addresses.Where(a => a.Type == "InternalIP").Select(a => a.Address)]);
}
