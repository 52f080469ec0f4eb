using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Scheduler.Tallies;

/// <summary>Which Pods are meant: those of some namespaces whose labels match. Equal by what it says, so that Pods of one template share what is counted.</summary>
/// <param name="Namespaces">Sorted; by name.</param>
/// <param name="NamespaceSelector">Namespaces by their labels; null for none but the named.</param>
internal sealed record PodScope(ImmutableArray<string> Namespaces, Selector? NamespaceSelector, Selector Selector)
{
    readonly string _text = $"{string.Join(',', Namespaces)}|{NamespaceSelector}|{NamespaceSelector is null}|{Selector.MatchesNothing}|{Selector}";
    int _hash;

    public bool Equals(PodScope? other) => ReferenceEquals(this, other) || (other is not null && _text == other._text);
    public override int GetHashCode() => _hash != 0 ? _hash : _hash = _text.GetHashCode(StringComparison.Ordinal) | 1;
    public override string ToString() => _text;

    public bool Matches(PodInfo pod, Dictionary<string, Map<string>> namespaces)
    {
        if (!Selector.Matches(pod.Labels)) return false;
        foreach (string ns in Namespaces) if (ns == pod.Key.Namespace) return true;
        return NamespaceSelector is not null && NamespaceSelector.Matches(namespaces.TryGetValue(pod.Key.Namespace, out var labels) ? labels : default);
    }

    /// <summary>Pods of one namespace.</summary>
    public static PodScope Within(string ns, Selector selector) => new([ns], null, selector);

    /// <summary>The Pods of an affinity term; a selector that cannot be selects nothing, since admission refused it.</summary>
    public static PodScope Of(PodAffinityTerm term, Pod pod)
    {
        var selector = SelectorOf(term.LabelSelector);
        // KEP-3633: the API server merges these into the selector; saying it twice changes nothing.
        if (term.LabelSelector is not null)
        {
            foreach (string key in term.MatchLabelKeys) if (pod.Metadata.Labels.TryGet(key, out string? value)) selector = selector.And(Selector.Of(new LabelRequirement(key, LabelOperator.In, value)));
            foreach (string key in term.MismatchLabelKeys) if (pod.Metadata.Labels.TryGet(key, out string? value)) selector = selector.And(Selector.Of(new LabelRequirement(key, LabelOperator.NotIn, value)));
        }
        bool own = term.Namespaces.IsEmpty && term.NamespaceSelector is null;
        return new(own ? [pod.Metadata.Namespace] : [.. term.Namespaces.Order(StringComparer.Ordinal)], term.NamespaceSelector is null ? null : SelectorOf(term.NamespaceSelector), selector);
    }

    public static Selector SelectorOf(LabelSelector? selector)
    {
        try { return selector.ToSelector(); }
        catch (SelectorFormatException) { return Selector.Nothing; }
    }
}

/// <summary>Pods, and the part of the cluster in which they are sought or shunned.</summary>
internal sealed record PodTerm(PodScope Scope, string TopologyKey);

/// <summary>Says what a Pod wants of other Pods, in terms that can be counted.</summary>
internal sealed class PodTerms
{
    public ImmutableArray<PodTerm> Near { get; }
    public ImmutableArray<PodTerm> Away { get; }
    public ImmutableArray<(PodTerm Term, int Weight)> PreferNear { get; }
    public ImmutableArray<(PodTerm Term, int Weight)> PreferAway { get; }
    public bool IsEmpty => Near.IsEmpty && Away.IsEmpty && PreferNear.IsEmpty && PreferAway.IsEmpty;

    public PodTerms(Pod pod)
    {
        var near = pod.Spec.Affinity?.PodAffinity;
        var away = pod.Spec.Affinity?.PodAntiAffinity;
        Near = [.. (near?.RequiredDuringSchedulingIgnoredDuringExecution ?? default).Select(Of)];
        Away = [.. (away?.RequiredDuringSchedulingIgnoredDuringExecution ?? default).Select(Of)];
        PreferNear = [.. (near?.PreferredDuringSchedulingIgnoredDuringExecution ?? default).Select(w => (Of(w.PodAffinityTerm), w.Weight))];
        PreferAway = [.. (away?.PreferredDuringSchedulingIgnoredDuringExecution ?? default).Select(w => (Of(w.PodAffinityTerm), w.Weight))];

        PodTerm Of(PodAffinityTerm term) => new(PodScope.Of(term, pod), term.TopologyKey);
    }
}
