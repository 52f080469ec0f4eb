using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Quota;

/// <summary>Tells which objects a quota's scopes are about. Objects of kinds that no scope can tell anything of are about none.</summary>
public static class QuotaScopes
{
    /// <summary>The quota's scopes and selectors, all of which must match.</summary>
    public static bool Match(ResourceQuota quota, IObject obj)
    {
        foreach (string scope in quota.Spec.Scopes)
            if (!Matches(new() { ScopeName = scope, Operator = "Exists" }, obj)) return false;
        foreach (var term in quota.Spec.ScopeSelector?.MatchExpressions ?? default)
            if (!Matches(term, obj)) return false;
        return true;
    }

    public static bool Matches(ScopedResourceSelectorRequirement term, IObject obj) => (obj, term.ScopeName) switch
    {
        (Pod pod, "Terminating") => IsTerminating(pod),
        (Pod pod, "NotTerminating") => !IsTerminating(pod),
        (Pod pod, "BestEffort") => PodAmounts.IsBestEffort(pod),
        (Pod pod, "NotBestEffort") => !PodAmounts.IsBestEffort(pod),
        (Pod pod, "PriorityClass") => Any(term, pod.Spec.PriorityClassName.Length > 0 ? [pod.Spec.PriorityClassName] : []),
        (Pod pod, "CrossNamespacePodAffinity") => LooksAcrossNamespaces(pod.Spec.Affinity),
        (PersistentVolumeClaim claim, "VolumeAttributesClass") => Any(term, Classes(claim)),
        _ => false,
    };

    /// <summary>Whether no scope tells two states of one object apart, as far as they may change: nothing has gone from one quota to another.</summary>
    public static bool Alike(IObject a, IObject b) => (a, b) switch
    {
        (Pod x, Pod y) => IsTerminating(x) == IsTerminating(y) && PodAmounts.IsBestEffort(x) == PodAmounts.IsBestEffort(y),
        (PersistentVolumeClaim x, PersistentVolumeClaim y) => Classes(x).ToHashSet().SetEquals(Classes(y)),
        _ => true,
    };

    /// <summary>Whether it has so long to live and no longer.</summary>
    static bool IsTerminating(Pod pod) => pod.Spec.ActiveDeadlineSeconds >= 0;

    /// <summary>As a label selector of upstream that is asked with each name in turn; without one, with none.</summary>
    static bool Any(ScopedResourceSelectorRequirement term, IReadOnlyList<string> names) => term.Operator switch
    {
        "Exists" => names.Count > 0,
        "DoesNotExist" => names.Count == 0,
        "In" => names.Any(n => term.Values.Contains(n)),
        "NotIn" => names.Count == 0 || names.Any(n => !term.Values.Contains(n)),
        _ => false,
    };

    /// <summary>Those that it has, had, and is about to have.</summary>
    static string[] Classes(PersistentVolumeClaim claim) =>
        [.. ((string?[])[claim.Spec.VolumeAttributesClassName, claim.Status.CurrentVolumeAttributesClassName, claim.Status.ModifyVolumeStatus?.TargetVolumeAttributesClassName])
            .OfType<string>().Where(n => n.Length > 0).Distinct()];

    static bool LooksAcrossNamespaces(Affinity? affinity)
    {
        static bool Across(PodAffinityTerm term) => !term.Namespaces.IsEmpty || term.NamespaceSelector is not null;
        return affinity?.PodAffinity is { } near && (near.RequiredDuringSchedulingIgnoredDuringExecution.Exists(Across) || near.PreferredDuringSchedulingIgnoredDuringExecution.Exists(t => Across(t.PodAffinityTerm)))
            || affinity?.PodAntiAffinity is { } apart && (apart.RequiredDuringSchedulingIgnoredDuringExecution.Exists(Across)
                || apart.PreferredDuringSchedulingIgnoredDuringExecution.Exists(t => Across(t.PodAffinityTerm)));
    }
}
