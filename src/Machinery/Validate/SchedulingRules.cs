using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What of a Pod the scheduler reads: tolerations, affinity, spreading.</summary>
static class SchedulingRules
{
    public static void Tolerations(FieldPath at, Seq<Toleration> tolerations, Errors errors)
    {
        for (int i = 0; i < tolerations.Count; i++)
        {
            var (here, t) = (at[i], tolerations[i]);
            if (t.Key.Length > 0) errors.Invalid(here["key"], t.Key, LabelSyntax.KeyErrors(t.Key));
            if (t.Key.Length == 0 && t.Operator != "Exists")
                errors.Invalid(here["operator"], t.Operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
            if (t.TolerationSeconds is not null && t.Effect != "NoExecute") errors.Invalid(here["effect"], t.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
            switch (t.Operator)
            {
                case "" or "Equal":
                    if (LabelSyntax.ValueErrors(t.Value) is { Count: > 0 } wrong) errors.Invalid(here["operator"], t.Value, string.Join(";", wrong));
                    break;
                case "Exists":
                    if (t.Value.Length > 0) errors.Invalid(here["operator"], t.Value, "value must be empty when `operator` is 'Exists'");
                    break;
                default: errors.OneOf(here["operator"], t.Operator, "Equal", "Exists"); break;
            }
            if (t.Effect.Length > 0) errors.OneOf(here["effect"], t.Effect, "NoSchedule", "PreferNoSchedule", "NoExecute");
        }
    }

    public static void Affinity(FieldPath at, Affinity? affinity, Errors errors)
    {
        if (affinity is null) return;
        if (affinity.NodeAffinity is { } node)
        {
            var here = at["nodeAffinity"];
            if (node.RequiredDuringSchedulingIgnoredDuringExecution is { } required) NodeSelector(here["requiredDuringSchedulingIgnoredDuringExecution"], required, errors);
            var preferred = node.PreferredDuringSchedulingIgnoredDuringExecution;
            for (int i = 0; i < preferred.Count; i++)
            {
                var term = here["preferredDuringSchedulingIgnoredDuringExecution"][i];
                Weight(term["weight"], preferred[i].Weight, errors);
                NodeTerm(term["preference"], preferred[i].Preference, required: false, errors);
            }
        }
        if (affinity.PodAffinity is { } pod)
            Pods(at["podAffinity"], pod.RequiredDuringSchedulingIgnoredDuringExecution, pod.PreferredDuringSchedulingIgnoredDuringExecution, errors);
        if (affinity.PodAntiAffinity is { } anti)
            Pods(at["podAntiAffinity"], anti.RequiredDuringSchedulingIgnoredDuringExecution, anti.PreferredDuringSchedulingIgnoredDuringExecution, errors);
    }

    static void Weight(FieldPath at, int weight, Errors errors)
    {
        if (weight is < 1 or > 100) errors.Invalid(at, weight, "must be in the range 1-100");
    }

    public static void NodeSelector(FieldPath at, NodeSelector selector, Errors errors)
    {
        if (selector.NodeSelectorTerms.IsEmpty) errors.Required(at["nodeSelectorTerms"], "must have at least one node selector term");
        for (int i = 0; i < selector.NodeSelectorTerms.Count; i++) NodeTerm(at["nodeSelectorTerms"][i], selector.NodeSelectorTerms[i], required: true, errors);
    }

    /// <param name="required">What is only preferred may name values that no label can have.</param>
    static void NodeTerm(FieldPath at, NodeSelectorTerm term, bool required, Errors errors)
    {
        for (int i = 0; i < term.MatchExpressions.Count; i++)
        {
            var (here, r) = (at["matchExpressions"][i], term.MatchExpressions[i]);
            Operator(here, r, errors);
            errors.Invalid(here["key"], r.Key, LabelSyntax.KeyErrors(r.Key));
            if (required)
                for (int j = 0; j < r.Values.Count; j++) errors.Invalid(here["values"][j], r.Values[j], LabelSyntax.ValueErrors(r.Values[j]));
        }
        for (int i = 0; i < term.MatchFields.Count; i++)
        {
            var (here, r) = (at["matchFields"][i], term.MatchFields[i]);
            if (r.Operator is not ("In" or "NotIn")) errors.Invalid(here["operator"], r.Operator, "not a valid selector operator");
            else if (r.Values.Count != 1) errors.Required(here["values"], "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
            if (r.Key != "metadata.name") errors.Invalid(here["key"], r.Key, "not a valid field selector key");
            else
                for (int j = 0; j < r.Values.Count; j++) errors.Invalid(here["values"][j], r.Values[j], Names.Subdomain(r.Values[j]));
        }
    }

    static void Operator(FieldPath at, NodeSelectorRequirement r, Errors errors)
    {
        switch (r.Operator)
        {
            case "In" or "NotIn":
                if (r.Values.IsEmpty) errors.Required(at["values"], "must be specified when `operator` is 'In' or 'NotIn'");
                break;
            case "Exists" or "DoesNotExist":
                if (!r.Values.IsEmpty) errors.Forbidden(at["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                break;
            case "Gt" or "Lt":
                if (r.Values.Count != 1) errors.Required(at["values"], "must be specified single value when `operator` is 'Lt' or 'Gt'");
                break;
            default: errors.Invalid(at["operator"], r.Operator, "not a valid selector operator"); break;
        }
    }

    static void Pods(FieldPath at, Seq<PodAffinityTerm> required, Seq<WeightedPodAffinityTerm> preferred, Errors errors)
    {
        for (int i = 0; i < required.Count; i++) PodTerm(at["requiredDuringSchedulingIgnoredDuringExecution"][i], required[i], errors);
        for (int i = 0; i < preferred.Count; i++)
        {
            var here = at["preferredDuringSchedulingIgnoredDuringExecution"][i];
            Weight(here["weight"], preferred[i].Weight, errors);
            PodTerm(here["podAffinityTerm"], preferred[i].PodAffinityTerm, errors);
        }
    }

    static void PodTerm(FieldPath at, PodAffinityTerm term, Errors errors)
    {
        LabelRules.Selector(at["labelSelector"], term.LabelSelector, errors);
        LabelRules.Selector(at["namespaceSelector"], term.NamespaceSelector, errors);
        foreach (string ns in term.Namespaces) errors.Invalid(at["namespace"], ns, Names.Label(ns));
        Keys(at["matchLabelKeys"], term.MatchLabelKeys, term.LabelSelector, errors);
        Keys(at["mismatchLabelKeys"], term.MismatchLabelKeys, term.LabelSelector, errors);
        Merged(at, term.MatchLabelKeys, term.LabelSelector, errors);
        for (int i = 0; i < term.MatchLabelKeys.Count; i++)
            if (term.MismatchLabelKeys.Contains(term.MatchLabelKeys[i])) errors.Invalid(at["matchLabelKeys"][i], term.MatchLabelKeys[i], "exists in both matchLabelKeys and mismatchLabelKeys");
        if (term.TopologyKey.Length == 0) errors.Required(at["topologyKey"], "can not be empty");
        errors.Invalid(at["topologyKey"], term.TopologyKey, LabelSyntax.KeyErrors(term.TopologyKey));
    }

    static void Keys(FieldPath at, Seq<string> keys, LabelSelector? selector, Errors errors)
    {
        if (keys.IsEmpty) return;
        if (selector is null) { errors.Forbidden(at, "must not be specified when labelSelector is not set"); return; }
        for (int i = 0; i < keys.Count; i++) errors.Invalid(at[i], keys[i], LabelSyntax.KeyErrors(keys[i]));
    }

    /// <summary>The server has added what the keys stand for at the selector's end: each may stand there that once only.</summary>
    static void Merged(FieldPath at, Seq<string> keys, LabelSelector? selector, Errors errors)
    {
        if (selector is null || keys.IsEmpty) return;
        var seen = selector.MatchLabels.Select(p => p.Key).ToHashSet();
        foreach (var expression in selector.MatchExpressions)
            if (!seen.Add(expression.Key) && keys.Contains(expression.Key))
                errors.Invalid(at[keys.Index().First(k => k.Item == expression.Key).Index], expression.Key, "exists in both matchLabelKeys and labelSelector");
    }

    public static void Spread(FieldPath at, Seq<TopologySpreadConstraint> constraints, Errors errors)
    {
        for (int i = 0; i < constraints.Count; i++)
        {
            var (here, c) = (at[i], constraints[i]);
            if (c.MaxSkew <= 0) errors.Invalid(here["maxSkew"], c.MaxSkew, "must be greater than zero");
            if (c.TopologyKey.Length == 0) errors.Required(here["topologyKey"], "can not be empty");
            errors.OneOf(here["whenUnsatisfiable"], c.WhenUnsatisfiable, "DoNotSchedule", "ScheduleAnyway");
            for (int j = i + 1; j < constraints.Count; j++)
                if (constraints[j].TopologyKey == c.TopologyKey && constraints[j].WhenUnsatisfiable == c.WhenUnsatisfiable)
                {
                    errors.Duplicate(here["{topologyKey, whenUnsatisfiable}"], $"{{{c.TopologyKey}, {c.WhenUnsatisfiable}}}");
                    break;
                }
            if (c.MinDomains is { } domains)
            {
                if (domains <= 0) errors.Invalid(here["minDomains"], domains, "must be greater than zero");
                if (c.WhenUnsatisfiable != "DoNotSchedule")
                    errors.Invalid(here["minDomains"], domains, $"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {c.WhenUnsatisfiable}");
            }
            if (c.NodeAffinityPolicy is { } affinity) errors.OneOf(here["nodeAffinityPolicy"], affinity, "Honor", "Ignore");
            if (c.NodeTaintsPolicy is { } taints) errors.OneOf(here["nodeTaintsPolicy"], taints, "Honor", "Ignore");
            Keys(here["matchLabelKeys"], c.MatchLabelKeys, c.LabelSelector, errors);
            Merged(here["matchLabelKeys"], c.MatchLabelKeys, c.LabelSelector, errors);
            LabelRules.Selector(here["labelSelector"], c.LabelSelector, errors);
        }
    }
}
