using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Warnings;

/// <summary>What a Service says that has no effect, or will soon have none.</summary>
static class ServiceWarnings
{
    const string OldHints = "service.kubernetes.io/topology-aware-hints";

    public static IReadOnlyList<string> Of(Service service)
    {
        var (at, spec) = (FieldPath.Spec, service.Spec);
        var warnings = new List<string>();
        if (service.Metadata.Annotations.ContainsKey(OldHints)) warnings.Add($"annotation {OldHints} is deprecated, please use service.kubernetes.io/topology-mode instead");
        bool headless = spec.Type == "ClusterIP" && spec.ClusterIP == "None";
        if (spec.ClusterIP is not ("" or "None"))
            for (int i = 0; i < spec.ClusterIPs.Count; i++) warnings.AddRange(AddressWarnings.Address(at["clusterIPs"][i], spec.ClusterIPs[i]));
        if (headless)
        {
            if (spec.LoadBalancerIP.Length > 0) warnings.Add("spec.loadBalancerIP is ignored for headless services");
            if (!spec.ExternalIPs.IsEmpty) warnings.Add("spec.externalIPs is ignored for headless services");
            if (spec.SessionAffinity != "None") warnings.Add("spec.SessionAffinity is ignored for headless services");
        }
        if (!spec.ExternalIPs.IsEmpty) warnings.Add("spec.externalIPs is deprecated"); // KEP-5707
        for (int i = 0; i < spec.ExternalIPs.Count; i++) warnings.AddRange(AddressWarnings.Address(at["externalIPs"][i], spec.ExternalIPs[i]));
        if (spec.LoadBalancerIP.Length > 0) warnings.AddRange(AddressWarnings.Address(at["loadBalancerIP"], spec.LoadBalancerIP));
        for (int i = 0; i < spec.LoadBalancerSourceRanges.Count; i++) warnings.AddRange(AddressWarnings.Network(at["loadBalancerSourceRanges"][i], spec.LoadBalancerSourceRanges[i]));
        if (spec.Type == "ExternalName" && !spec.ExternalIPs.IsEmpty) warnings.Add("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
        if (spec.Type != "ExternalName" && spec.ExternalName.Length > 0) warnings.Add("spec.externalName is ignored when spec.type is not \"ExternalName\"");
        if (spec.TrafficDistribution == "PreferClose") warnings.Add("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
        return warnings;
    }
}
