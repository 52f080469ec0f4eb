using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Nodes;

/// <summary>Tells which nodes a Pod insists on, by its node selector and required node affinity, and which ones a term names.</summary>
public static class NodeTerms
{
    public static bool Allows(PodSpec pod, Node node) =>
        HasLabels(node, pod.NodeSelector)
        && (pod.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required || Matches(required, node));

    /// <summary>Terms are alternatives; no term at all matches nothing.</summary>
    public static bool Matches(NodeSelector selector, Node node)
    {
        foreach (var term in selector.NodeSelectorTerms) if (Matches(term, node)) return true;
        return false;
    }

    /// <summary>All that the term asks for must be so; a term that asks for nothing matches nothing.</summary>
    public static bool Matches(NodeSelectorTerm term, Node node)
    {
        if (term.MatchExpressions.IsEmpty && term.MatchFields.IsEmpty) return false;
        foreach (var e in term.MatchExpressions)
            if (!Matches(e, node.Metadata.Labels.TryGet(e.Key, out string? value) ? value : null)) return false;
        foreach (var e in term.MatchFields)
            if (!Matches(e, e.Key == "metadata.name" ? node.Metadata.Name : null)) return false;
        return true;
    }

    static bool HasLabels(Node node, Map<string> wanted)
    {
        foreach (var (key, value) in wanted)
            if (!node.Metadata.Labels.TryGet(key, out string? has) || has != value) return false;
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
