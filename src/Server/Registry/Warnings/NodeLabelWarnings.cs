using Hanbae.Api.Core.V1;
using Hanbae.Api.Node.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Warnings;

/// <summary>Labels of nodes that have other names today.</summary>
static class NodeLabelWarnings
{
    public static string? Of(string label) => label switch
    {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone" => "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type" => "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => null,
    };

    public static IEnumerable<string> Of(RuntimeClass kind) =>
        from label in kind.Scheduling?.NodeSelector ?? default where Of(label.Key) is not null select $"scheduling.nodeSelector: {Of(label.Key)}";

    public static IEnumerable<string> OfTerm(FieldPath at, NodeSelectorTerm term)
    {
        for (int i = 0; i < term.MatchExpressions.Count; i++)
            if (Of(term.MatchExpressions[i].Key) is { } why) yield return $"{at["matchExpressions"][i]["key"]}: {term.MatchExpressions[i].Key} is {why}";
    }
}
