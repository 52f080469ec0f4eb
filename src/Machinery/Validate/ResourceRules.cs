using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What containers may request, and the limits they may set to it.</summary>
static class ResourceRules
{
    public static void Requirements(FieldPath at, ResourceRequirements resources, Errors errors)
    {
        var (limits, requests) = (at["limits"], at["requests"]);
        foreach (var (name, quantity) in resources.Limits) Container(limits.Key(name), name, quantity, errors);
        foreach (var (name, quantity) in resources.Requests)
        {
            Container(requests.Key(name), name, quantity, errors);
            bool overcommits = Overcommits(name);
            if (resources.Limits.TryGet(name, out var limit))
            {
                if (quantity != limit && !overcommits) errors.Invalid(requests, quantity.ToString(), $"must be equal to {name} limit of {limit}");
                else if (quantity > limit) errors.Invalid(requests, quantity.ToString(), $"must be less than or equal to {name} limit of {limit}");
            }
            else if (!overcommits) errors.Required(limits, "Limit must be set for non overcommitable resources");
        }
        for (int i = 0; i < resources.Claims.Count; i++)
            if (resources.Claims[i].Name.Length == 0) errors.Required(at["claims"][i]["name"]);
    }

    static void Container(FieldPath at, string name, Quantity quantity, Errors errors)
    {
        errors.Invalid(at, name, LabelSyntax.KeyErrors(name));
        if (!name.Contains('/') && name is not ("cpu" or "memory" or "ephemeral-storage") && !IsHugePages(name))
            errors.Invalid(at, name, "must be a standard resource for containers");
        else if (name.Contains('/') && !IsNative(name) && !IsExtended(name)) errors.Invalid(at, name, "doesn't follow extended resource name standard");
        Quantity(at, name, quantity, errors);
    }

    public static void Quantity(FieldPath at, string name, Quantity quantity, Errors errors)
    {
        errors.NotNegative(at, quantity);
        if ((IsExtended(name) || name is "pods" or "services" or "replicationcontrollers" or "resourcequotas" or "secrets" or "configmaps" or "persistentvolumeclaims"
            || name.StartsWith("count/", StringComparison.Ordinal)) && quantity.RoundUp(0) != quantity)
            errors.Invalid(at, quantity.ToString(), "must be an integer");
    }

    static bool IsHugePages(string name) => name.StartsWith("hugepages-", StringComparison.Ordinal);
    public static bool IsNative(string name) => !name.Contains('/') || name.Contains("kubernetes.io/", StringComparison.Ordinal);
    public static bool IsExtended(string name) => !IsNative(name) && !name.StartsWith("requests.", StringComparison.Ordinal) && LabelSyntax.KeyErrors("requests." + name).Count == 0;
    static bool Overcommits(string name) => IsNative(name) && !IsHugePages(name);
}
