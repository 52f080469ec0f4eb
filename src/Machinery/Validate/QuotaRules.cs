using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>How much of what there may be: quotas of a namespace and the limits of what is in it.</summary>
static class QuotaRules
{
    static readonly string[] s_scopes = ["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating", "VolumeAttributesClass"];
    static readonly string[] s_counted = ["cpu", "memory", "ephemeral-storage", "pods", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps", "resourcequotas",
        "services.nodeports", "services.loadbalancers", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage"];

    static readonly string[] s_ofPods = ["cpu", "limits.cpu", "limits.memory", "memory", "pods", "requests.cpu", "requests.memory"];

    public static void Check(ResourceQuota o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Amounts(at["hard"], s.Hard, errors);
        var names = s.Hard.Select(p => p.Key).Where(IsCounted).Order(StringComparer.Ordinal).ToArray();
        foreach (string scope in s.Scopes)
        {
            if (!s_scopes.Contains(scope)) errors.InvalidAs(at["scopes"], Shown.List(s.Scopes), "unsupported scope");
            foreach (string name in names)
                if (!Applies(scope, name)) errors.InvalidAs(at["scopes"], Shown.List(s.Scopes), "unsupported scope applied to resource");
        }
        Together(at["scopes"], s, s.Scopes, errors);
        if (s.ScopeSelector is not { } selector) return;
        var here = at["scopeSelector"]["matchExpressions"];
        foreach (var term in selector.MatchExpressions)
        {
            if (!s_scopes.Contains(term.ScopeName)) errors.Invalid(here["scopeName"], term.ScopeName, "unsupported scope");
            foreach (string name in names)
                if (!Applies(term.ScopeName, name)) errors.InvalidAs(here, Shown.Message(selector), "unsupported scope applied to resource");
            if (term.ScopeName is "BestEffort" or "NotBestEffort" or "Terminating" or "NotTerminating" or "CrossNamespacePodAffinity" && term.Operator != "Exists")
                errors.Invalid(here["operator"], term.Operator, "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                    + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
            switch (term.Operator)
            {
                case "In" or "NotIn" when term.Values.IsEmpty: errors.Required(here["values"], "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"); break;
                case "Exists" or "DoesNotExist" when !term.Values.IsEmpty:
                    errors.InvalidAs(here["values"], Shown.List(term.Values), "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
                    break;
                case "In" or "NotIn" or "Exists" or "DoesNotExist": break;
                default: errors.Invalid(here["operator"], term.Operator, "not a valid selector operator"); break;
            }
        }
        Together(here, s, selector.MatchExpressions.Select(t => t.ScopeName).ToSeq(), errors);
    }

    static bool IsCounted(string name) =>
        s_counted.Contains(name) || ResourceRules.IsHugePages(name) || name.StartsWith("requests.hugepages-", StringComparison.Ordinal);

    /// <summary>A scope says which Pods, or which claims, are counted: it means nothing for what is neither.</summary>
    static bool Applies(string scope, string name) => scope switch
    {
        "BestEffort" => name == "pods",
        "Terminating" or "NotTerminating" or "NotBestEffort" or "PriorityClass" or "CrossNamespacePodAffinity" => s_ofPods.Contains(name),
        "VolumeAttributesClass" => name is "persistentvolumeclaims" or "requests.storage",
        _ => true,
    };

    static void Together(FieldPath at, ResourceQuotaSpec s, Seq<string> scopes, Errors errors)
    {
        foreach (string scope in (ReadOnlySpan<string>)["BestEffort", "Terminating"])
            if (scopes.Contains(scope) && scopes.Contains("Not" + scope)) errors.InvalidAs(at, Shown.List(s.Scopes), "conflicting scopes");
    }

    static void Amounts(FieldPath at, Map<Quantity> amounts, Errors errors)
    {
        foreach (var (name, quantity) in amounts)
        {
            ResourceRules.Name(at.Key(name), name, errors);
            if (!name.Contains('/') && !IsCounted(name)) errors.Invalid(at.Key(name), name, "must be a standard resource for quota");
            ResourceRules.Quantity(at.Key(name), name, quantity, errors);
        }
    }

    public static void Part(ResourceQuota o, ResourceQuota old, string subresource, Errors errors)
    {
        Amounts(FieldPath.Of("status")["hard"], o.Status.Hard, errors);
        Amounts(FieldPath.Of("status")["used"], o.Status.Used, errors);
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
            var wrong = LabelSyntax.KeyErrors(item.Type);
            errors.Invalid(at["type"], item.Type, wrong);
            if (wrong.Count == 0 && !item.Type.Contains('/') && item.Type is not ("Pod" or "Container" or "PersistentVolumeClaim"))
                errors.Invalid(at["type"], item.Type, "must be a standard limit type or fully qualified");
            if (!types.Add(item.Type)) errors.Duplicate(at["type"], item.Type);
            Limits(at["max"], item.Type, item.Max, errors);
            Limits(at["min"], item.Type, item.Min, errors);
            if (item.Type == "Pod")
            {
                if (!item.Default.IsEmpty) errors.Forbidden(at["default"], "may not be specified when `type` is 'Pod'");
                if (!item.DefaultRequest.IsEmpty) errors.Forbidden(at["defaultRequest"], "may not be specified when `type` is 'Pod'");
                item = item with { Default = default, DefaultRequest = default };
            }
            else
            {
                Limits(at["default"], item.Type, item.Default, errors);
                Limits(at["defaultRequest"], item.Type, item.DefaultRequest, errors);
            }
            if (item.Type == "PersistentVolumeClaim" && !item.Min.ContainsKey("storage") && !item.Max.ContainsKey("storage"))
                errors.Required(at["limits"], "either minimum or maximum storage value is required, but neither was provided");
            Limits(at["maxLimitRequestRatio"], item.Type, item.MaxLimitRequestRatio, errors);
            foreach (string name in item.Min.Concat(item.Max).Concat(item.Default).Concat(item.DefaultRequest).Concat(item.MaxLimitRequestRatio).Select(p => p.Key).Distinct().Order(StringComparer.Ordinal))
                Order(at, item, name, errors);
        }
    }

    static void Limits(FieldPath at, string type, Map<Quantity> limits, Errors errors)
    {
        foreach (var (name, _) in limits)
            if (type is "Pod" or "Container") ResourceRules.Container(at.Key(name), name, errors);
            else ResourceRules.Name(at.Key(name), name, errors);
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
        if (min > limit) Wrong("default", min.Value, $"min value {min} is greater than default value {limit}");
        if (limit > max) Wrong("default", max.Value, $"default value {limit} is greater than max value {max}");
        if (ratio is { } r)
        {
            if (r < new Quantity(1)) Wrong("maxLimitRequestRatio", r, $"ratio {r} is less than 1");
            if (min is { } least && max is { } most && r.ToDouble() > most.ToDouble() / least.ToDouble())
                Wrong("maxLimitRequestRatio", r, string.Create(CultureInfo.InvariantCulture, $"ratio {r} is greater than max/min = {most.ToDouble() / least.ToDouble():F6}"));
        }
        if (!ResourceRules.Overcommits(name) && limit is { } given && request is { } asked && given != asked)
            Wrong("defaultRequest", asked, $"default value {given} must equal to defaultRequest value {asked} in {name}");
    }
}
