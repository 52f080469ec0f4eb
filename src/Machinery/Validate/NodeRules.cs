using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Node has to be, and what of it stays.</summary>
static class NodeRules
{
    public static void Check(Node o, Errors errors)
    {
        Taints(FieldPath.Metadata["taints"], o.Spec.Taints, errors);
        Amounts(o, errors);
        var (at, ranges) = (FieldPath.Spec["podCIDRs"], o.Spec.PodCIDRs);
        for (int i = 0; i < ranges.Count; i++) errors.Network(at[i], ranges[i]);
        if (ranges.Count < 2) return;
        if (ranges.Count > 2 || ranges[0].Contains(':') == ranges[1].Contains(':')) errors.InvalidAs(at, Shown.List(ranges), "may specify no more than one CIDR for each IP family");
        var seen = new HashSet<string>();
        for (int i = 0; i < ranges.Count; i++) if (!seen.Add(ranges[i])) errors.Duplicate(at[i], ranges[i]);
    }

    /// <param name="at">Upstream looks for them in the metadata.</param>
    static void Taints(FieldPath at, Seq<Taint> taints, Errors errors)
    {
        var seen = new HashSet<(string, string)>();
        for (int i = 0; i < taints.Count; i++)
        {
            var (here, taint) = (at[i], taints[i]);
            errors.Invalid(here["key"], taint.Key, LabelSyntax.KeyErrors(taint.Key));
            if (LabelSyntax.ValueErrors(taint.Value) is { Count: > 0 } wrong) errors.Invalid(here["value"], taint.Value, string.Join(";", wrong));
            errors.RequiredOneOf(here["effect"], taint.Effect, "NoSchedule", "PreferNoSchedule", "NoExecute");
            if (!seen.Add((taint.Key, taint.Effect))) errors.Add(new(FieldErrorType.Duplicate, here.ToString(), Shown.Message(taint), "taints must be unique by key and effect pair"));
        }
    }

    static void Amounts(Node o, Errors errors)
    {
        foreach (var (field, amounts) in (ReadOnlySpan<(string, Map<Quantity>)>)[("capacity", o.Status.Capacity), ("allocatable", o.Status.Allocatable)])
            foreach (var (name, quantity) in amounts) ResourceRules.Quantity(FieldPath.Of("status")[field][name], name, quantity, errors);
    }

    public static void Update(Node o, Node old, Errors errors)
    {
        Amounts(o, errors);
        var addresses = new HashSet<NodeAddress>();
        for (int i = 0; i < o.Status.Addresses.Count; i++)
            if (!addresses.Add(o.Status.Addresses[i])) errors.Add(new(FieldErrorType.Duplicate, FieldPath.Of("status")["addresses"][i].ToString(), Shown.Message(o.Status.Addresses[i]), ""));
        if (!old.Spec.PodCIDRs.IsEmpty && o.Spec.PodCIDRs != old.Spec.PodCIDRs)
            errors.Forbidden(FieldPath.Spec["podCIDRs"], "node updates may not change podCIDR except from \"\" to valid");
        if (old.Spec.ProviderID.Length > 0 && o.Spec.ProviderID != old.Spec.ProviderID)
            errors.Forbidden(FieldPath.Spec["providerID"], "node updates may not change providerID except from \"\" to valid");
        if (o.Spec.Taints != old.Spec.Taints) Taints(FieldPath.Metadata["taints"], o.Spec.Taints, errors);
    }
}
