using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Services;

/// <summary>What <c>clusterIP</c>, <c>clusterIPs</c>, <c>ipFamilies</c> and <c>ipFamilyPolicy</c> may be together; asked before anything is allocated from them.</summary>
static class ServiceClusterIPs
{
    const string ClusterIPs = "spec.clusterIPs", Families = "spec.ipFamilies";

    public static List<FieldError> Check(Service service, Service? old)
    {
        var errors = new List<FieldError>();
        var spec = service.Spec;
        if (!ServiceNeeds.ClusterIP(service)) return errors;

        if (spec.IpFamilyPolicy is { } policy && policy is not ("SingleStack" or "PreferDualStack" or "RequireDualStack"))
            errors.Add(FieldError.NotSupported("spec.ipFamilyPolicy", policy, "SingleStack", "PreferDualStack", "RequireDualStack"));
        for (int i = 0; i < spec.IpFamilies.Count; i++)
        {
            string family = spec.IpFamilies[i];
            if (family is not ("IPv4" or "IPv6")) errors.Add(FieldError.NotSupported($"{Families}[{i}]", family, "IPv4", "IPv6"));
            else if (i == 1 && family == spec.IpFamilies[0]) errors.Add(FieldError.Duplicate($"{Families}[{i}]", family));
        }
        if (spec.IpFamilies.Count > 2) errors.Add(new(FieldErrorType.Invalid, Families, Shown.List(spec.IpFamilies), "may only hold up to 2 values"));
        if (spec.ClusterIPs.Count > 2) errors.Add(new(FieldErrorType.Invalid, ClusterIPs, Shown.List(spec.ClusterIPs), "may only hold up to 2 values"));

        if (spec.ClusterIP.Length > 0 ? !spec.ClusterIPs.IsEmpty && spec.ClusterIPs[0] != spec.ClusterIP : !spec.ClusterIPs.IsEmpty)
            errors.Add(FieldError.InvalidAs(ClusterIPs, Shown.List(spec.ClusterIPs),
                spec.ClusterIP.Length == 0 ? "must be empty when `clusterIP` is not specified" : "first value must match `clusterIP`"));

        for (int i = 0; i < spec.ClusterIPs.Count; i++)
        {
            string ip = spec.ClusterIPs[i];
            if (ip == "None" && i == 0)
            {
                if (spec.ClusterIPs.Count > 1) errors.Add(FieldError.InvalidAs($"{ClusterIPs}[0]", Shown.List(spec.ClusterIPs), "'None' must be the first and only value"));
                if (spec.Type != "ClusterIP") errors.Add(FieldError.Invalid($"{ClusterIPs}[0]", ip, $"may not be set to 'None' for {spec.Type} services"));
                break;
            }
            if (!IpSyntax.TryParse(ip, out var address)) errors.Add(FieldError.Invalid($"{ClusterIPs}[{i}]", ip, IpSyntax.AddressRule));
            else if (i < spec.IpFamilies.Count && spec.IpFamilies[i] != ServiceFamilies.FamilyOf(address))
                errors.Add(FieldError.Invalid($"{ClusterIPs}[{i}]", ip, $"expected an {spec.IpFamilies[i]} value as indicated by `ipFamilies[{i}]`"));
        }
        if (spec.ClusterIPs.Count == 2 && errors.Count == 0 && IpSyntax.TryParse(spec.ClusterIPs[0], out var a) && IpSyntax.TryParse(spec.ClusterIPs[1], out var b)
            && a.AddressFamily == b.AddressFamily)
            errors.Add(FieldError.InvalidAs(ClusterIPs, Shown.List(spec.ClusterIPs), "may specify no more than one IP for each IP family"));
        if (old is not null && ServiceNeeds.ClusterIP(old)) CheckKept(spec, old.Spec, errors);
        return errors;
    }

    /// <summary>An address is for life; only the second family may come and go.</summary>
    static void CheckKept(ServiceSpec spec, ServiceSpec old, List<FieldError> errors)
    {
        for (int i = 0; i < old.ClusterIPs.Count; i++)
        {
            bool unset = i >= spec.ClusterIPs.Count, secondMayGo = i == 1 && spec.IpFamilyPolicy == "SingleStack";
            if (unset && secondMayGo) continue;
            if (unset) errors.Add(FieldError.InvalidAs($"{ClusterIPs}[{i}]", Shown.List(spec.ClusterIPs), i == 0 ? "primary clusterIP can not be unset" : "secondary clusterIP can not be unset"));
            else if (spec.ClusterIPs[i] != old.ClusterIPs[i]) errors.Add(FieldError.InvalidAs($"{ClusterIPs}[{i}]", Shown.List(spec.ClusterIPs), "may not change once set"));
        }
        for (int i = 0; i < old.IpFamilies.Count; i++)
        {
            bool unset = i >= spec.IpFamilies.Count;
            if (unset && (i == 1 && spec.IpFamilyPolicy == "SingleStack" || spec.IpFamilies.IsEmpty)) continue;
            if (unset) errors.Add(FieldError.InvalidAs($"{Families}[{i}]", Shown.List(spec.IpFamilies), i == 0 ? "primary ipFamily can not be unset" : "secondary ipFamily can not be unset"));
            else if (spec.IpFamilies[i] != old.IpFamilies[i]) errors.Add(FieldError.InvalidAs($"{Families}[{i}]", Shown.List(spec.IpFamilies), "may not change once set"));
        }
    }
}
