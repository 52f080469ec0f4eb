using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What containers may request, and the limits they may set to it.</summary>
static class ResourceRules
{
    const string HugePages = "hugepages-";
    static readonly HashSet<string> s_standard =
    [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas",
        "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "storage", "requests.storage", "services.nodeports", "services.loadbalancers",
    ];
    static readonly HashSet<string> s_whole =
        ["pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"];

    public static void Requirements(FieldPath at, ResourceRequirements resources, Seq<PodResourceClaim> claims, Errors errors)
    {
        Amounts(at, resources, Container, errors);
        Claims(at["claims"], resources.Claims, claims, errors);
    }

    /// <param name="name">Which names may stand there.</param>
    public static void Amounts(FieldPath at, ResourceRequirements resources, Action<FieldPath, string, Errors> name, Errors errors)
    {
        var (limits, requests) = (at["limits"], at["requests"]);
        bool pages = false, computes = false;
        foreach (var (field, amounts) in (ReadOnlySpan<(FieldPath, Map<Quantity>)>)[(limits, resources.Limits), (requests, resources.Requests)])
            foreach (var (resource, quantity) in amounts)
            {
                name(field.Key(resource), resource, errors);
                Quantity(field.Key(resource), resource, quantity, errors);
                computes |= resource is "cpu" or "memory";
                if (IsHugePages(resource))
                {
                    pages = true;
                    if (!IsWhole(resource, quantity)) errors.Invalid(field.Key(resource), quantity.ToString(), $"{quantity} is not positive integer multiple of {resource}");
                }
                if (field == limits) continue;
                bool overcommits = Overcommits(resource);
                if (resources.Limits.TryGet(resource, out var limit))
                {
                    if (quantity != limit && !overcommits) errors.Invalid(requests, quantity.ToString(), $"must be equal to {resource} limit of {limit}");
                    else if (quantity > limit) errors.Invalid(requests, quantity.ToString(), $"must be less than or equal to {resource} limit of {limit}");
                }
                else if (!overcommits) errors.Required(limits, "Limit must be set for non overcommitable resources");
            }
        if (pages && !computes) errors.Forbidden(at, "HugePages require cpu or memory");
    }

    /// <summary>A container uses what its Pod claims, in part or as a whole, and no part of it twice.</summary>
    static void Claims(FieldPath at, Seq<ResourceClaim> used, Seq<PodResourceClaim> claims, Errors errors)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < used.Count; i++)
        {
            var (here, claim) = (at[i], used[i]);
            if (claim.Name.Length == 0) { errors.Required(here); continue; }
            if (seen.Contains(claim.Name)) errors.Duplicate(here, claim.Name);
            else
            {
                string key = claim.Name;
                if (claim.Request.Length > 0)
                {
                    errors.Invalid(here["request"], claim.Request, Names.Label(claim.Request));
                    key += "/" + claim.Request;
                }
                else if (seen.Any(s => s.StartsWith(claim.Name + "/", StringComparison.Ordinal))) errors.Duplicate(here, claim.Name);
                if (!seen.Add(key)) errors.Duplicate(here, key);
            }
            if (claims.Exists(c => c.Name == claim.Name)) continue;
            var known = claims.Select(c => c.Name).Where(n => n.Length > 0).Distinct().Order(StringComparer.Ordinal).ToArray();
            errors.Add(new(FieldErrorType.NotFound, here.ToString(), FieldError.Quoted(claim.Name),
                "must be one of the names in pod.spec.resourceClaims" + (known.Length == 0 ? " which is empty" : ": " + string.Join(", ", known))));
        }
    }

    /// <summary>A name of any resource at all.</summary>
    public static bool Name(FieldPath at, string name, Errors errors)
    {
        int before = errors.Count;
        errors.Invalid(at, name, LabelSyntax.KeyErrors(name));
        if (errors.Count == before && !name.Contains('/') && !IsStandard(name)) errors.Invalid(at, name, "must be a standard resource type or fully qualified");
        return errors.Count == before;
    }

    public static void Container(FieldPath at, string name, Errors errors)
    {
        Name(at, name, errors);
        if (!name.Contains('/'))
        {
            if (name is not ("cpu" or "memory" or "ephemeral-storage") && !IsHugePages(name)) errors.Invalid(at, name, "must be a standard resource for containers");
        }
        else if (!IsNative(name) && !IsExtended(name)) errors.Invalid(at, name, "doesn't follow extended resource name standard");
    }

    public static void Quantity(FieldPath at, string name, Quantity quantity, Errors errors)
    {
        errors.NotNegative(at, quantity);
        if ((s_whole.Contains(name) || IsExtended(name)) && quantity.RoundUp(0) != quantity) errors.Invalid(at, quantity.ToString(), "must be an integer");
    }

    static bool IsWhole(string name, Quantity quantity)
    {
        if (!Api.Quantity.TryParse(Encoding.UTF8.GetBytes(name[HugePages.Length..]), out var page, out _) || page.Sign <= 0 || quantity.Sign < 0) return false;
        return quantity.Value() % page.Value() == 0;
    }

    static bool IsStandard(string name) => s_standard.Contains(name) || IsHugePages(name) || name.StartsWith("requests." + HugePages, StringComparison.Ordinal);
    public static bool IsHugePages(string name) => name.StartsWith(HugePages, StringComparison.Ordinal);
    public static bool IsNative(string name) => !name.Contains('/') || name.Contains("kubernetes.io/", StringComparison.Ordinal);
    public static bool IsExtended(string name) => !IsNative(name) && !name.StartsWith("requests.", StringComparison.Ordinal) && LabelSyntax.KeyErrors("requests." + name).Count == 0;
    public static bool Overcommits(string name) => IsNative(name) && !IsHugePages(name);
}
