using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Warnings;

/// <summary>What a Node says that nobody reads, or in a way that will not be read.</summary>
static class NodeWarnings
{
    public static IReadOnlyList<string> Of(Node node)
    {
        var warnings = new List<string>();
        if (node.Spec.ExternalID.Length > 0) warnings.Add("spec.externalID: this field is deprecated, and is unused by Kubernetes");
        for (int i = 0; i < node.Spec.PodCIDRs.Count; i++) warnings.AddRange(AddressWarnings.Network(FieldPath.Spec["podCIDRs"][i], node.Spec.PodCIDRs[i]));
        return warnings;
    }
}
