using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Scheduler;

/// <summary>The nodes that a Pod wants by label: its node selector and node affinity.</summary>
internal sealed class NodeMatcher(PodSpec spec)
{
    readonly Seq<PreferredSchedulingTerm> _preferred = spec.Affinity?.NodeAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? default;

    public bool IsEmpty => spec.NodeSelector.IsEmpty && spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is null;
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

    public bool Matches(Node node) => NodeTerms.Allows(spec, node);

    /// <summary>The sum of weights of the preferred terms that the node matches.</summary>
    public long Preference(Node node)
    {
        long sum = 0;
        foreach (var term in _preferred) if (term.Weight != 0 && NodeTerms.Matches(term.Preference, node)) sum += term.Weight;
        return sum;
    }
}
