using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Keys of labels that a Pod's terms name are told with the Pod's own values when it is made (KEP-3633, KEP-3243): who reads the selector needs to know no more.</summary>
static class LabelKeys
{
    public static PodSpec Merge(PodSpec spec, Map<string> labels)
    {
        if (spec.TopologySpreadConstraints.Exists(c => !c.MatchLabelKeys.IsEmpty))
            spec = spec with
            {
                TopologySpreadConstraints = spec.TopologySpreadConstraints.Select(c => c with { LabelSelector = Merge(c.LabelSelector, c.MatchLabelKeys, default, labels) }).ToSeq(),
            };
        if (spec.Affinity is not { } affinity) return spec;
        var merged = affinity with
        {
            PodAffinity = affinity.PodAffinity is { } near ? near with
            {
                RequiredDuringSchedulingIgnoredDuringExecution = Merge(near.RequiredDuringSchedulingIgnoredDuringExecution, labels),
                PreferredDuringSchedulingIgnoredDuringExecution = Merge(near.PreferredDuringSchedulingIgnoredDuringExecution, labels),
            } : null,
            PodAntiAffinity = affinity.PodAntiAffinity is { } far ? far with
            {
                RequiredDuringSchedulingIgnoredDuringExecution = Merge(far.RequiredDuringSchedulingIgnoredDuringExecution, labels),
                PreferredDuringSchedulingIgnoredDuringExecution = Merge(far.PreferredDuringSchedulingIgnoredDuringExecution, labels),
            } : null,
        };
        return spec with { Affinity = merged };
    }

    static Seq<PodAffinityTerm> Merge(Seq<PodAffinityTerm> terms, Map<string> labels)
    {
        for (int i = 0; i < terms.Count; i++)
            if (Merge(terms[i], labels) is var term && !ReferenceEquals(term, terms[i])) terms = terms.SetAt(i, term);
        return terms;
    }

    static Seq<WeightedPodAffinityTerm> Merge(Seq<WeightedPodAffinityTerm> terms, Map<string> labels)
    {
        for (int i = 0; i < terms.Count; i++)
            if (Merge(terms[i].PodAffinityTerm, labels) is var term && !ReferenceEquals(term, terms[i].PodAffinityTerm)) terms = terms.SetAt(i, terms[i] with { PodAffinityTerm = term });
        return terms;
    }

    static PodAffinityTerm Merge(PodAffinityTerm term, Map<string> labels) => term is { MatchLabelKeys.IsEmpty: true, MismatchLabelKeys.IsEmpty: true } ? term
        : term with { LabelSelector = Merge(term.LabelSelector, term.MatchLabelKeys, term.MismatchLabelKeys, labels) };

    /// <summary>None at all selects nothing, and validation says so.</summary>
    static LabelSelector? Merge(LabelSelector? selector, Seq<string> same, Seq<string> other, Map<string> labels)
    {
        if (selector is null) return null;
        var expressions = selector.MatchExpressions;
        foreach (string key in same)
            if (labels.TryGet(key, out string? value)) expressions = expressions.Add(new() { Key = key, Operator = "In", Values = [value!] });
        foreach (string key in other)
            if (labels.TryGet(key, out string? value)) expressions = expressions.Add(new() { Key = key, Operator = "NotIn", Values = [value!] });
        return expressions == selector.MatchExpressions ? selector : selector with { MatchExpressions = expressions };
    }
}
