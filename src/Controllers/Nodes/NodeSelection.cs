using System.Globalization;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Nodes;

/// <summary>Tells which nodes a Pod insists on: its node selector and required node affinity.</summary>
static class NodeSelection
{
    public static bool Allows(PodSpec pod, Node node)
    {
        foreach (var (key, value) in pod.NodeSelector)
            if (!node.Metadata.Labels.TryGet(key, out string? has) || has != value) return false;
        if (pod.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required) return true;
        // Terms are alternatives; no term at all matches nothing.
        return required.NodeSelectorTerms.Exists(t => Matches(t, node));
    }

    static bool Matches(NodeSelectorTerm term, Node node)
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
