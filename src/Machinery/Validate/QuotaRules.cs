using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>How much of what there may be: quotas of a namespace and the limits of what is in it.</summary>
static class QuotaRules
{
    static readonly string[] s_scopes = ["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating", "VolumeAttributesClass"];
    static readonly string[] s_counted = ["cpu", "memory", "ephemeral-storage", "pods", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps", "resourcequotas",
        "services.nodeports", "services.loadbalancers", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage"];

    public static void Check(ResourceQuota o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        foreach (var (name, quantity) in s.Hard)
        {
            var here = at["hard"].Key(name);
            errors.Invalid(here, name, LabelSyntax.KeyErrors(name));
            if (!name.Contains('/') && !s_counted.Contains(name) && !name.StartsWith("hugepages-", StringComparison.Ordinal) && !name.StartsWith("requests.hugepages-", StringComparison.Ordinal))
                errors.Invalid(here, name, "must be a standard resource for quota");
            ResourceRules.Quantity(here, name, quantity, errors);
        }
        var scopes = s.Scopes;
        foreach (string scope in scopes) if (!s_scopes.Contains(scope)) errors.InvalidAs(at["scopes"], Shown.List(scopes), "unsupported scope");
        if (scopes.Contains("BestEffort") && scopes.Contains("NotBestEffort") || scopes.Contains("Terminating") && scopes.Contains("NotTerminating"))
            errors.InvalidAs(at["scopes"], Shown.List(scopes), "conflicting scopes");
        if (s.ScopeSelector is not { } selector) return;
        for (int i = 0; i < selector.MatchExpressions.Count; i++)
        {
            var (here, term) = (at["scopeSelector"]["matchExpressions"], selector.MatchExpressions[i]);
            if (!s_scopes.Contains(term.ScopeName)) errors.Invalid(here["scopeName"], term.ScopeName, "unsupported scope");
            if (term.ScopeName is "BestEffort" or "NotBestEffort" or "Terminating" or "NotTerminating" or "CrossNamespacePodAffinity" && term.Operator != "Exists")
                errors.Invalid(here["operator"], term.Operator, "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
            switch (term.Operator)
            {
                case "In" or "NotIn" when term.Values.IsEmpty: errors.Required(here["values"], "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"); break;
                case "Exists" or "DoesNotExist" when !term.Values.IsEmpty: errors.InvalidAs(here["values"], Shown.List(term.Values), "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"); break;
                case "In" or "NotIn" or "Exists" or "DoesNotExist": break;
                default: errors.Invalid(here["operator"], term.Operator, "not a valid selector operator"); break;
            }
        }
    }

    public static void Update(ResourceQuota o, ResourceQuota old, Errors errors)
    {
        Check(o, errors);
        if (!o.Spec.Scopes.ToHashSet().SetEquals(old.Spec.Scopes)) errors.InvalidAs(FieldPath.Spec["scopes"], Shown.List(o.Spec.Scopes), "field is immutable");
    }

    public static void Check(LimitRange o, Errors errors)
    {
        var types = new HashSet<string>();
        for (int i = 0; i < o.Spec.Limits.Count; i++)
        {
            var (at, item) = (FieldPath.Spec["limits"][i], o.Spec.Limits[i]);
            errors.Invalid(at["type"], item.Type, LabelSyntax.KeyErrors(item.Type));
            if (!item.Type.Contains('/') && item.Type is not ("Pod" or "Container" or "PersistentVolumeClaim")) errors.Invalid(at["type"], item.Type, "must be a standard limit type or fully qualified");
            if (!types.Add(item.Type)) errors.Duplicate(at["type"], item.Type);
            Amounts(at["max"], item.Max, errors);
            Amounts(at["min"], item.Min, errors);
            if (item.Type == "Pod")
            {
                if (!item.Default.IsEmpty) errors.Forbidden(at["default"], "may not be specified when `type` is 'Pod'");
                if (!item.DefaultRequest.IsEmpty) errors.Forbidden(at["defaultRequest"], "may not be specified when `type` is 'Pod'");
            }
            else
            {
                Amounts(at["default"], item.Default, errors);
                Amounts(at["defaultRequest"], item.DefaultRequest, errors);
            }
            if (item.Type == "PersistentVolumeClaim" && !item.Min.ContainsKey("storage") && !item.Max.ContainsKey("storage"))
                errors.Required(at["limits"], "either minimum or maximum storage value is required, but neither was provided");
            foreach (string name in item.Min.Concat(item.Max).Concat(item.Default).Concat(item.DefaultRequest).Concat(item.MaxLimitRequestRatio).Select(p => p.Key).Distinct().Order(StringComparer.Ordinal))
                Order(at, item, name, errors);
        }
    }

    static void Amounts(FieldPath at, Map<Quantity> amounts, Errors errors)
    {
        foreach (var (name, quantity) in amounts)
        {
            errors.Invalid(at.Key(name), name, LabelSyntax.KeyErrors(name));
            errors.NotNegative(at.Key(name), quantity);
        }
    }

    static void Order(FieldPath at, LimitRangeItem item, string name, Errors errors)
    {
        Quantity? Of(Map<Quantity> map) => map.TryGet(name, out var q) ? q : null;
        var (min, max, limit, request, ratio) = (Of(item.Min), Of(item.Max), Of(item.Default), Of(item.DefaultRequest), Of(item.MaxLimitRequestRatio));
        void Wrong(string field, Quantity value, string why) => errors.Invalid(at[field].Key(name), value.ToString(), why);
        if (min > max) Wrong("min", min.Value, $"min value {min} is greater than max value {max}");
        if (min > request) Wrong("defaultRequest", request.Value, $"min value {min} is greater than default request value {request}");
        if (request > max) Wrong("defaultRequest", request.Value, $"default request value {request} is greater than max value {max}");
        if (request > limit) Wrong("defaultRequest", request.Value, $"default request value {request} is greater than default limit value {limit}");
        if (min > limit) Wrong("default", limit.Value, $"min value {min} is greater than default value {limit}");
        if (limit > max) Wrong("default", limit.Value, $"default value {limit} is greater than max value {max}");
        if (ratio is { } r && r < Quantity.Parse("1")) Wrong("maxLimitRequestRatio", r, $"ratio {r} is less than 1");
    }
}
