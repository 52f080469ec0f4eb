using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>The nodes that a Pod wants by label: its node selector and node affinity.</summary>
internal sealed class NodeMatcher(PodSpec spec)
{
    readonly Map<string> _selector = spec.NodeSelector;
    readonly NodeSelector? _required = spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution;
    readonly Seq<PreferredSchedulingTerm> _preferred = spec.Affinity?.NodeAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? default;

    public bool IsEmpty => _selector.IsEmpty && _required is null;
    public bool Prefers => !_preferred.IsEmpty;

    /// <summary>The nodes that alone come into question because each alternative names them; null when any node may, empty when the names exclude each other.</summary>
    /// <remarks>What DaemonSets ask for: without it each of their Pods would look at every node.</remarks>
    public IReadOnlySet<string>? Names { get; } = NamesOf(spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution);

    static HashSet<string>? NamesOf(NodeSelector? required)
    {
        if (required is null) return null;
        HashSet<string>? all = null;
        foreach (var term in required.NodeSelectorTerms)
        {
            HashSet<string>? names = null;
            foreach (var e in term.MatchFields)
                if (e is { Key: "metadata.name", Operator: "In" })
                    if (names is null) names = [.. e.Values]; else names.IntersectWith(e.Values);
            // An alternative that names none leaves all nodes open.
            if (names is null) return null;
            if (all is null) all = names; else all.UnionWith(names);
        }
        return all;
    }

    public bool Matches(Node node)
    {
        foreach (var (key, value) in _selector)
            if (!node.Metadata.Labels.TryGet(key, out string? has) || has != value) return false;
        if (_required is null) return true;
        // Terms are alternatives; no term at all matches nothing.
        foreach (var term in _required.NodeSelectorTerms) if (Matches(term, node)) return true;
        return false;
    }

    /// <summary>The sum of weights of the preferred terms that the node matches.</summary>
    public long Preference(Node node)
    {
        long sum = 0;
        foreach (var term in _preferred) if (term.Weight != 0 && Matches(term.Preference, node)) sum += term.Weight;
        return sum;
    }

    internal static bool Matches(NodeSelectorTerm term, Node node)
    {
        if (term.MatchExpressions.IsEmpty && term.MatchFields.IsEmpty) return false;
        foreach (var e in term.MatchExpressions)
            if (!Matches(e, node.Metadata.Labels.TryGet(e.Key, out string? value) ? value : null)) return false;
        foreach (var e in term.MatchFields)
            if (!Matches(e, e.Key == "metadata.name" ? node.Metadata.Name : null)) return false;
        return true;
    }

    static bool Matches(NodeSelectorRequirement r, string? value) => r.Operator switch
    {
        "In" => value is not null && r.Values.Contains(value),
        "NotIn" => value is null || !r.Values.Contains(value),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => Compare(value, r) > 0,
        "Lt" => Compare(value, r) < 0,
        _ => false,
    };

    static int Compare(string? value, NodeSelectorRequirement r) =>
        r.Values.Count == 1 && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long has)
        && long.TryParse(r.Values[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long than) ? has.CompareTo(than) : 0;
}
