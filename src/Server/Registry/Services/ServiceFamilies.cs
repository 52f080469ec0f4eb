using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Services;

/// <summary>Which IP families a Service is of (KEP-563).</summary>
static class ServiceFamilies
{
    const string Policy = "spec.ipFamilyPolicy";

    /// <param name="families">The cluster's, the default one first.</param>
    public static Service Decide(Service s, Service? old, IReadOnlyList<string> families, List<FieldError> errors)
    {
        if (!ServiceNeeds.ClusterIP(s)) return s;
        // A PreferDualStack Service is not changed because the cluster was.
        if (old is not null && s.Spec is { IpFamilyPolicy: "PreferDualStack" } && old.Spec.IpFamilyPolicy == "PreferDualStack"
            && s.Spec.ClusterIPs == old.Spec.ClusterIPs && s.Spec.IpFamilies == old.Spec.IpFamilies) return s;
        if (errors.Count > 0) return s;

        bool headless = ServiceNeeds.IsHeadless(s), free = headless && s.Spec.Selector.IsEmpty;
        // Never from one family to two or back without being told.
        string policy = s.Spec.IpFamilyPolicy ?? old?.Spec.IpFamilyPolicy ?? (free ? "RequireDualStack" : "SingleStack");
        if (policy == "SingleStack")
        {
            if (s.Spec.ClusterIPs.Count == 2) errors.Add(FieldError.Invalid(Policy, policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"));
            if (s.Spec.IpFamilies.Count == 2) errors.Add(FieldError.Invalid(Policy, policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"));
        }
        else if (old is not null)
        {
            if (Reduced(s.Spec.ClusterIPs, old.Spec.ClusterIPs)) errors.Add(FieldError.Invalid(Policy, policy, "must be 'SingleStack' to release the secondary cluster IP"));
            if (Reduced(s.Spec.IpFamilies, old.Spec.IpFamilies)) errors.Add(FieldError.Invalid(Policy, policy, "must be 'SingleStack' to release the secondary IP family"));
        }
        var chosen = s.Spec.IpFamilies;
        for (int i = chosen.Count; i < s.Spec.ClusterIPs.Count && !headless; i++)
            if (IpSyntax.TryParse(s.Spec.ClusterIPs[i], out var ip))
            {
                if (!families.Contains(FamilyOf(ip))) errors.Add(FieldError.InvalidAs($"spec.clusterIPs[{i}]", Shown.List(s.Spec.ClusterIPs), $"{FamilyOf(ip)} is not configured on this cluster"));
                else chosen = chosen.Add(FamilyOf(ip));
            }
        if (errors.Count > 0) return s;
        if (free)
        {
            // Whoever writes the endpoints may write any: both families, whatever the cluster has.
            if (chosen.IsEmpty) chosen = [families[0]];
            if (chosen.Count == 1 && policy != "SingleStack") chosen = chosen.Add(Other(chosen[0]));
            return s with { Spec = s.Spec with { IpFamilies = chosen, IpFamilyPolicy = policy } };
        }
        if (policy == "RequireDualStack" && families.Count < 2)
            errors.Add(FieldError.Invalid(Policy, policy, "this cluster is not configured for dual-stack services"));
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

    static bool Reduced(Seq<string> now, Seq<string> before) => !now.IsEmpty && now.Count < before.Count && now[0] == before[0];
}
