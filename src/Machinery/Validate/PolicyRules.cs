using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Scheduling.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Who may do what, how much there may be and how many: roles, budgets, priorities, leases.</summary>
static class PolicyRules
{
    const int LargestUserPriority = 1_000_000_000;

    public static void Rules(Seq<PolicyRule> rules, bool namespaced, Errors errors)
    {
        for (int i = 0; i < rules.Count; i++)
        {
            var (at, rule) = (FieldPath.Of("rules")[i], rules[i]);
            if (rule.Verbs.IsEmpty) errors.Required(at["verbs"], "verbs must contain at least one value");
            if (!rule.NonResourceURLs.IsEmpty)
            {
                if (namespaced) errors.InvalidAs(at["nonResourceURLs"], Shown.List(rule.NonResourceURLs), "namespaced rules cannot apply to non-resource URLs");
                if (!rule.ApiGroups.IsEmpty || !rule.Resources.IsEmpty || !rule.ResourceNames.IsEmpty)
                    errors.InvalidAs(at["nonResourceURLs"], Shown.List(rule.NonResourceURLs), "rules cannot apply to both regular resources and non-resource URLs");
                continue;
            }
            if (rule.ApiGroups.IsEmpty) errors.Required(at["apiGroups"], "resource rules must supply at least one api group");
            if (rule.Resources.IsEmpty) errors.Required(at["resources"], "resource rules must supply at least one resource");
        }
    }

    public static void Binding(RoleRef role, Seq<Subject> subjects, bool namespaced, Errors errors)
    {
        const string group = "rbac.authorization.k8s.io";
        var at = FieldPath.Of("roleRef");
        errors.OneOf(at["apiGroup"], role.ApiGroup, group);
        if (namespaced) errors.OneOf(at["kind"], role.Kind, "Role", "ClusterRole");
        else errors.OneOf(at["kind"], role.Kind, "ClusterRole");
        if (role.Name.Length == 0) errors.Required(at["name"]);
        else errors.Invalid(at["name"], role.Name, Names.PathSegment(role.Name));
        for (int i = 0; i < subjects.Count; i++)
        {
            var (here, s) = (FieldPath.Of("subjects")[i], subjects[i]);
            if (s.Name.Length == 0) errors.Required(here["name"]);
            switch (s.Kind)
            {
                case "ServiceAccount":
                    if (s.Name.Length > 0) errors.Invalid(here["name"], s.Name, Names.Subdomain(s.Name));
                    if (s.ApiGroup.Length > 0) errors.OneOf(here["apiGroup"], s.ApiGroup, "");
                    if (s.Namespace.Length == 0 && !namespaced) errors.Required(here["namespace"]);
                    break;
                case "User" or "Group":
                    if (s.Name.Length == 0) errors.Invalid(here["name"], "", $"{s.Kind.ToLowerInvariant()} name cannot be empty");
                    errors.OneOf(here["apiGroup"], s.ApiGroup, group);
                    break;
                default: errors.OneOf(here["kind"], s.Kind, "ServiceAccount", "User", "Group"); break;
            }
        }
    }

    public static void Check(ClusterRole o, Errors errors)
    {
        Rules(o.Rules, false, errors);
        if (o.AggregationRule is not { } aggregation) return;
        var at = FieldPath.Of("aggregationRule")["clusterRoleSelectors"];
        if (aggregation.ClusterRoleSelectors.IsEmpty) errors.Required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil");
        for (int i = 0; i < aggregation.ClusterRoleSelectors.Count; i++) LabelRules.Selector(at[i], aggregation.ClusterRoleSelectors[i], errors);
    }

    public static void Update(RoleBinding o, RoleBinding old, Errors errors)
    {
        Binding(o.RoleRef, o.Subjects, true, errors);
        SameRole(o.RoleRef, old.RoleRef, errors);
    }

    public static void Update(ClusterRoleBinding o, ClusterRoleBinding old, Errors errors)
    {
        Binding(o.RoleRef, o.Subjects, false, errors);
        SameRole(o.RoleRef, old.RoleRef, errors);
    }

    static void SameRole(RoleRef now, RoleRef old, Errors errors)
    {
        if (now != old) errors.InvalidAs(FieldPath.Of("roleRef"), Shown.Message(now), "cannot change roleRef");
    }

    public static void Check(PriorityClass o, Errors errors)
    {
        if (o.Metadata.Name.StartsWith("system-", StringComparison.Ordinal))
        {
            if (o.Metadata.Name is not ("system-node-critical" or "system-cluster-critical"))
                errors.Forbidden(FieldPath.Metadata["name"], "priority class names with 'system-' prefix are reserved for system use only. error: " + o.Metadata.Name + " is not a known system priority class");
        }
        else if (o.Value > LargestUserPriority) errors.Forbidden(FieldPath.Of("value"), $"maximum allowed value of a user defined priority is {LargestUserPriority}");
        if (o.PreemptionPolicy is { } policy) errors.RequiredOneOf(FieldPath.Of("preemptionPolicy"), policy, "PreemptLowerPriority", "Never");
    }

    public static void Update(PriorityClass o, PriorityClass old, Errors errors)
    {
        if (o.Value != old.Value) errors.Forbidden(FieldPath.Of("value"), "may not be changed in an update.");
        errors.Unchanged(FieldPath.Of("preemptionPolicy"), o.PreemptionPolicy ?? "", old.PreemptionPolicy ?? "");
    }

    public static void Check(PodDisruptionBudget o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.MinAvailable is not null && s.MaxUnavailable is not null) errors.InvalidAs(at, Shown.Message(s), "minAvailable and maxUnavailable cannot be both set");
        foreach (var (name, value) in (ReadOnlySpan<(string, IntOrString?)>)[("minAvailable", s.MinAvailable), ("maxUnavailable", s.MaxUnavailable)])
        {
            WorkloadRules.NumberOrPercent(at[name], value, errors);
            WorkloadRules.AtMostAll(at[name], value, errors);
        }
        LabelRules.Selector(at["selector"], s.Selector, errors);
        if (s.UnhealthyPodEvictionPolicy is { } policy) errors.OneOf(at["unhealthyPodEvictionPolicy"], policy, "AlwaysAllow", "IfHealthyBudget");
    }

    public static void Part(PodDisruptionBudget o, PodDisruptionBudget old, string subresource, Errors errors)
    {
        var (at, s) = (FieldPath.Of("status"), o.Status);
        errors.NotNegative(at["disruptionsAllowed"], s.DisruptionsAllowed);
        errors.NotNegative(at["currentHealthy"], s.CurrentHealthy);
        errors.NotNegative(at["desiredHealthy"], s.DesiredHealthy);
        errors.NotNegative(at["expectedPods"], s.ExpectedPods);
        ConditionRules.Check(at["conditions"], s.Conditions, errors);
    }

    public static void Check(Lease o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.LeaseDurationSeconds is <= 0 and { } seconds) errors.Invalid(at["leaseDurationSeconds"], seconds, "must be greater than 0");
        if (s.LeaseTransitions is < 0 and { } count) errors.Invalid(at["leaseTransitions"], count, "must be greater than or equal to 0");
        // KEP-4355: who is to lead is somebody's choice only where there is a way of choosing; others' ways have their domain's name.
        if (s.Strategy is { } strategy && !strategy.Contains('/')) errors.OneOf(at["strategy"], strategy, "OldestEmulationVersion");
        if (!string.IsNullOrEmpty(s.PreferredHolder) && string.IsNullOrEmpty(s.Strategy)) errors.Forbidden(at["preferredHolder"], "may only be specified if `strategy` is defined");
    }
}
