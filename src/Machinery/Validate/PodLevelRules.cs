using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Pod asks for as a whole: amounts for all its containers together (KEP-2837), devices, users of its own.</summary>
static class PodLevelRules
{
    public static void Check(FieldPath at, ResourceRequirements own, PodSpec spec, Errors errors)
    {
        if (!own.Claims.IsEmpty) errors.Forbidden(at["claims"], "claims cannot be set for Resources at pod-level");
        ResourceRules.Amounts(at, own, Name, errors);
        foreach (var (name, asked) in Together(spec, c => c.Requests))
            if (Supported(name) && own.Requests[name] is var all && asked > all) errors.Invalid(at["requests"].Key(name), all.ToString(), $"must be greater than or equal to aggregate container requests of {asked}");
        for (int i = 0; i < spec.Containers.Count; i++)
            foreach (var (name, limit) in spec.Containers[i].Resources.Limits)
                if (own.Limits.TryGet(name, out var all) && limit > all)
                    errors.Invalid(FieldPath.Spec["containers"][i]["resources"]["limits"], limit.ToString(), $"must be less than or equal to pod limits of {all}");
    }

    static bool Supported(string name) => name is "cpu" or "memory" || ResourceRules.IsHugePages(name);

    static void Name(FieldPath at, string name, Errors errors)
    {
        if (ResourceRules.Name(at, name, errors) && !Supported(name)) errors.OneOf(at, name, "cpu", "hugepages-", "memory");
    }

    static Map<Quantity> Together(PodSpec spec, Func<ResourceRequirements, Map<Quantity>> part)
    {
        Map<Quantity> sum = default;
        foreach (var container in spec.Containers.Concat(spec.InitContainers.Where(c => c.RestartPolicy == "Always")))
            foreach (var (name, amount) in part(container.Resources)) sum = sum.Set(name, sum.TryGet(name, out var so) ? so + amount : amount);
        return sum;
    }

    public static void Claims(FieldPath at, Seq<PodResourceClaim> claims, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < claims.Count; i++)
        {
            var (here, claim) = (at[i], claims[i]);
            if (claim.Name.Length == 0) errors.Required(here["name"]);
            else if (!names.Add(claim.Name)) errors.Duplicate(here["name"], claim.Name);
            else errors.Invalid(here["name"], claim.Name, Names.Label(claim.Name));
            if (claim is { ResourceClaimName: not null, ResourceClaimTemplateName: not null })
                errors.InvalidAs(here, Shown.Message(claim), "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
            else if (claim is { ResourceClaimName: null, ResourceClaimTemplateName: null })
                errors.InvalidAs(here, Shown.Message(claim), "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
            if (claim.ResourceClaimName is { } name) errors.Invalid(here["resourceClaimName"], name, Names.Subdomain(name));
            if (claim.ResourceClaimTemplateName is { } template) errors.Invalid(here["resourceClaimTemplateName"], template, Names.Subdomain(template));
        }
    }

    public static void UserNamespace(FieldPath at, PodSpec spec, Errors errors)
    {
        const string not = "when `hostUsers` is false";
        if (spec.HostNetwork) errors.Forbidden(at["hostNetwork"], not);
        if (spec.HostPID) errors.Forbidden(at["HostPID"], not);
        if (spec.HostIPC) errors.Forbidden(at["HostIPC"], not);
    }
}
