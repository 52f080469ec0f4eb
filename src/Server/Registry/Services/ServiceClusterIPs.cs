using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Services;

/// <summary>What <c>clusterIP</c>, <c>clusterIPs</c>, <c>ipFamilies</c> and <c>ipFamilyPolicy</c> may be together; asked before anything is allocated from them.</summary>
static class ServiceClusterIPs
{
    const string ClusterIPs = "spec.clusterIPs", Families = "spec.ipFamilies", Policy = "spec.ipFamilyPolicy";

    public static List<FieldError> Check(Service service, Service? old)
    {
        var errors = new List<FieldError>();
        var spec = service.Spec;
        if (!ServiceNeeds.ClusterIP(service)) return errors;

        if (spec.ClusterIP.Length == 0 ? !spec.ClusterIPs.IsEmpty : !spec.ClusterIPs.IsEmpty && spec.ClusterIPs[0] != spec.ClusterIP)
            errors.Add(FieldError.InvalidAs(ClusterIPs, Shown.List(spec.ClusterIPs),
                spec.ClusterIP.Length == 0 ? "must be empty when `clusterIP` is not specified" : "first value must match `clusterIP`"));
        var seen = new HashSet<string>();
        for (int i = 0; i < spec.IpFamilies.Count; i++)
        {
            string family = spec.IpFamilies[i];
            if (family is not ("IPv4" or "IPv6")) errors.Add(FieldError.NotSupported($"{Families}[{i}]", family, "IPv4", "IPv6"));
            // So there are never more than two.
            if (!seen.Add(family)) errors.Add(FieldError.Duplicate($"{Families}[{i}]", family));
        }
        if (spec.IpFamilyPolicy is { } policy && policy is not ("SingleStack" or "PreferDualStack" or "RequireDualStack"))
            errors.Add(FieldError.NotSupported(Policy, policy, "PreferDualStack", "RequireDualStack", "SingleStack"));

        var addresses = Addresses(spec, errors, out bool broken);
        if (spec.ClusterIPs.Count > 2) errors.Add(FieldError.InvalidAs(ClusterIPs, Shown.List(spec.ClusterIPs), "may only hold up to 2 values"));
        // What is no address says nothing of families.
        if (broken) return errors;
        if (addresses.Count > 1 && (addresses.Count > 2 || addresses[0] == addresses[1]))
            errors.Add(FieldError.InvalidAs(ClusterIPs, Shown.List(spec.ClusterIPs), "may specify no more than one IP for each IP family"));
        for (int i = 0; i < Math.Min(addresses.Count, spec.IpFamilies.Count); i++)
            if (spec.IpFamilies[i] is "IPv4" or "IPv6" && spec.IpFamilies[i] != addresses[i])
                errors.Add(FieldError.Invalid($"{ClusterIPs}[{i}]", spec.ClusterIPs[i], $"expected an {spec.IpFamilies[i]} value as indicated by `ipFamilies[{i}]`"));
        if (old is not null && ServiceNeeds.ClusterIP(old))
        {
            if (!IsHeadless(spec) || !IsHeadless(old.Spec)) Kept(spec.ClusterIPs, old.Spec.ClusterIPs, ClusterIPs, "clusterIP", spec.IpFamilyPolicy, errors);
            // Left out they are found anew.
            if (!IsHeadless(spec) && !IsHeadless(old.Spec) && !spec.IpFamilies.IsEmpty) Kept(spec.IpFamilies, old.Spec.IpFamilies, Families, "ipFamily", spec.IpFamilyPolicy, errors);
        }
        return errors;
    }

    static bool IsHeadless(ServiceSpec spec) => spec.ClusterIPs is ["None"];

    /// <returns>Families of all addresses; none when the Service is headless.</returns>
    static List<string> Addresses(ServiceSpec spec, List<FieldError> errors, out bool broken)
    {
        broken = false;
        var families = new List<string>();
        for (int i = 0; i < spec.ClusterIPs.Count; i++)
        {
            string ip = spec.ClusterIPs[i];
            if (ip == "None" && i == 0)
            {
                if (spec.ClusterIPs.Count > 1) errors.Add(FieldError.InvalidAs(ClusterIPs, Shown.List(spec.ClusterIPs), "'None' must be the first and only value"));
                broken |= spec.ClusterIPs.Count > 1;
                if (spec.Type != "ClusterIP") errors.Add(FieldError.Invalid($"{ClusterIPs}[0]", ip, $"may not be set to 'None' for {spec.Type} services"));
            }
            else if (IpSyntax.Fault(ip, out var address) is { } fault)
            {
                broken = true;
                errors.Add(FieldError.Invalid($"{ClusterIPs}[{i}]", ip, fault));
            }
            else families.Add(ServiceFamilies.FamilyOf(address!));
        }
        return families;
    }

    /// <summary>An address is for life; only the second family may come and go.</summary>
    static void Kept(Seq<string> now, Seq<string> old, string at, string what, string? policy, List<FieldError> errors)
    {
        if (now.IsEmpty && !old.IsEmpty) errors.Add(FieldError.InvalidAs($"{at}[0]", Shown.List(now), $"primary {what} can not be unset"));
        for (int i = 0; i < Math.Min(now.Count, old.Count); i++)
            if (now[i] != old[i]) errors.Add(FieldError.InvalidAs($"{at}[{i}]", Shown.List(now), "may not change once set"));
        if (now.Count == 1 && old.Count == 2 && policy != "SingleStack")
            errors.Add(FieldError.InvalidAs(Policy, policy is null ? "null" : FieldError.Quoted(policy), $"must be set to 'SingleStack' when releasing the secondary {what}"));
    }
}
