using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Keeps a Pod from the wrong disk: a local volume is on certain nodes, and a path of that name may be on others too.</summary>
static class VolumeLocality
{
    /// <exception cref="VolumeException">The volume is not on this node.</exception>
    public static void Check(PersistentVolume volume, Node? node)
    {
        if (volume.Spec.NodeAffinity?.Required is not { } required || node is null) return;
        if (!required.NodeSelectorTerms.Exists(term => Matches(term, node)))
            throw new VolumeException("no matching NodeSelectorTerms") { Step = "NodeAffinity check" };
    }

    /// <summary>A term without conditions matches nothing, as everywhere in node selectors.</summary>
    static bool Matches(NodeSelectorTerm term, Node node) =>
        !(term.MatchExpressions.IsEmpty && term.MatchFields.IsEmpty)
        && term.MatchExpressions.All(e => Matches(e, node.Metadata.Labels.TryGet(e.Key, out string? value) ? value : null))
        && term.MatchFields.All(f => f.Key == "metadata.name" && Matches(f, node.Metadata.Name));

    static bool Matches(NodeSelectorRequirement requirement, string? value)
    {
        LabelOperator? known = requirement.Operator switch
        {
            "In" => LabelOperator.In, "NotIn" => LabelOperator.NotIn, "Exists" => LabelOperator.Exists,
            "DoesNotExist" => LabelOperator.DoesNotExist, "Gt" => LabelOperator.GreaterThan, "Lt" => LabelOperator.LessThan, _ => null,
        };
        if (known is not { } op) return false;
        try { return new LabelRequirement(requirement.Key, op, [.. requirement.Values]).Matches(value); }
        catch (SelectorFormatException) { return false; }
    }
}
