using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Node has to be, and what of it stays.</summary>
static class NodeRules
{
    public static void Check(Node o, Errors errors)
    {
        var at = FieldPath.Spec;
        var seen = new HashSet<(string, string)>();
        for (int i = 0; i < o.Spec.Taints.Count; i++)
        {
            var (here, taint) = (at["taints"][i], o.Spec.Taints[i]);
            errors.Invalid(here["key"], taint.Key, LabelSyntax.KeyErrors(taint.Key));
            errors.Invalid(here["value"], taint.Value, LabelSyntax.ValueErrors(taint.Value));
            errors.RequiredOneOf(here["effect"], taint.Effect, "NoSchedule", "PreferNoSchedule", "NoExecute");
            if (!seen.Add((taint.Key, taint.Effect))) errors.Add(new(FieldErrorType.Duplicate, here.ToString(), Shown.Message(taint), "taints must be unique by key and effect pair"));
        }
        for (int i = 0; i < o.Spec.PodCIDRs.Count; i++)
            if (!IpSyntax.IsNetwork(o.Spec.PodCIDRs[i])) errors.Invalid(at["podCIDRs"][i], o.Spec.PodCIDRs[i], IpSyntax.NetworkRule);
        foreach (var (name, quantity) in o.Status.Capacity) errors.NotNegative(FieldPath.Of("status")["capacity"].Key(name), quantity);
    }

    public static void Update(Node o, Node old, Errors errors)
    {
        Check(o, errors);
        if (!old.Spec.PodCIDRs.IsEmpty && o.Spec.PodCIDRs != old.Spec.PodCIDRs)
            errors.Forbidden(FieldPath.Spec["podCIDRs"], "node updates may not change podCIDR except from \"\" to valid");
        if (old.Spec.ProviderID.Length > 0 && o.Spec.ProviderID != old.Spec.ProviderID)
            errors.Forbidden(FieldPath.Spec["providerID"], "node updates may not change providerID except from \"\" to valid");
    }
}
