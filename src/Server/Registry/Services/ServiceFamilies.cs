using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Services;

/// <summary>Which IP families a Service is of (KEP-563).</summary>
static class ServiceFamilies
{
    const string None = "None";

    /// <param name="families">The cluster's, the default one first.</param>
    public static Service Decide(Service s, Service? old, IReadOnlyList<string> families, List<FieldError> errors)
    {
        if (!ServiceNeeds.ClusterIP(s)) return s;
        // A PreferDualStack Service is not changed because the cluster was.
        if (old is not null && s.Spec is { IpFamilyPolicy: "PreferDualStack" } && old.Spec.IpFamilyPolicy == "PreferDualStack"
            && s.Spec.ClusterIPs == old.Spec.ClusterIPs && s.Spec.IpFamilies == old.Spec.IpFamilies) return s;
        if (errors.Count > 0) return s;

        bool headless = ServiceNeeds.IsHeadless(s);
        var chosen = s.Spec.IpFamilies;
        for (int i = 0; i < s.Spec.ClusterIPs.Count && !headless; i++)
            if (i >= chosen.Count && IPAddress.TryParse(s.Spec.ClusterIPs[i], out var ip)) chosen = chosen.Add(FamilyOf(ip));

        string? policy = s.Spec.IpFamilyPolicy;
        if (headless && s.Spec.Selector.IsEmpty)
        {
            // Whoever writes the endpoints may write any: both families, whatever the cluster has.
            policy ??= chosen.Count == 1 ? "SingleStack" : "RequireDualStack";
            if (chosen.IsEmpty) chosen = [families[0]];
            if (chosen.Count == 1 && policy != "SingleStack") chosen = chosen.Add(Other(chosen[0]));
            return s with { Spec = s.Spec with { IpFamilies = chosen, IpFamilyPolicy = policy } };
        }
        bool two = s.Spec.ClusterIPs.Count == 2 || s.Spec.IpFamilies.Count == 2;
        policy ??= two ? "RequireDualStack" : "SingleStack";
        if (policy == "SingleStack")
        {
            if (s.Spec.ClusterIPs.Count == 2) errors.Add(FieldError.Invalid("spec.ipFamilyPolicy", policy, "must be RequireDualStack or PreferDualStack when multiple clusterIPs are specified"));
            else if (s.Spec.IpFamilies.Count == 2) errors.Add(FieldError.Invalid("spec.ipFamilyPolicy", policy, "must be RequireDualStack or PreferDualStack when multiple ipFamilies are specified"));
        }
        if (policy == "RequireDualStack" && families.Count < 2)
            errors.Add(FieldError.Invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services"));
        for (int i = 0; i < chosen.Count; i++)
            if (!families.Contains(chosen[i]))
                errors.Add(FieldError.Invalid($"spec.ipFamilies[{i}]", chosen[i], "not configured on this cluster"));
        if (errors.Count > 0) return s;

        if (chosen.IsEmpty) chosen = [families[0]];
        if (policy != "SingleStack" && chosen.Count == 1 && families.Count == 2) chosen = chosen.Add(Other(chosen[0]));
        return s with { Spec = s.Spec with { IpFamilies = chosen, IpFamilyPolicy = policy } };
    }

    public static string FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";
    static string Other(string family) => family == "IPv4" ? "IPv6" : "IPv4";

    public static bool IsAddress(string clusterIP) => clusterIP.Length > 0 && clusterIP != None;
}
