using System.Diagnostics.CodeAnalysis;
using Hanbae.Api;

namespace Hanbae.Scheduler.Tallies;

/// <summary>Finds the Pods that have a node by what a label of theirs says, so that a count begins with those it may count and not with all there are.</summary>
/// <remarks>A label is read of every Pod when it is first asked for, and kept up from then on. Bound: the labels that selectors name.</remarks>
internal sealed class PodsByLabel(Snapshot snapshot)
{
    readonly Dictionary<string, Dictionary<(string Namespace, string Value), Dictionary<PodInfo, NodeInfo>>> _labels = [];

    /// <param name="sign">1 for a Pod that came to the node, −1 for one that leaves it.</param>
    public void Count(PodInfo pod, NodeInfo node, int sign)
    {
        foreach (var (label, pods) in _labels)
        {
            if (!pod.Labels.TryGet(label, out string? value)) continue;
            if (sign > 0) Add(pods, value, pod, node);
            else Remove(pods, value, pod);
        }
    }

    /// <summary>The smallest known part of the Pods in which all are that match.</summary>
    /// <returns>False when the scope does not name both namespaces and the value of a label: then it is among all.</returns>
    public bool TryNear(PodScope scope, [NotNullWhen(true)] out List<Dictionary<PodInfo, NodeInfo>>? parts)
    {
        parts = null;
        if (scope.NamespaceSelector is not null) return false;
        int fewest = int.MaxValue;
        foreach (var requirement in scope.Selector.Requirements)
        {
            if (!requirement.IsExact()) continue;
            var pods = Of(requirement.Key);
            List<Dictionary<PodInfo, NodeInfo>> found = [];
            foreach (string ns in scope.Namespaces) if (pods.TryGetValue((ns, requirement.Values[0]), out var part)) found.Add(part);
            int size = found.Sum(p => p.Count);
            if (size < fewest) (fewest, parts) = (size, found);
        }
        return parts is not null;
    }

    Dictionary<(string, string), Dictionary<PodInfo, NodeInfo>> Of(string label)
    {
        if (_labels.TryGetValue(label, out var pods)) return pods;
        _labels.Add(label, pods = []);
        foreach (var node in snapshot.Nodes)
            foreach (var pod in node.Pods)
                if (pod.Labels.TryGet(label, out string? value)) Add(pods, value, pod, node);
        return pods;
    }

    static void Add(Dictionary<(string, string), Dictionary<PodInfo, NodeInfo>> pods, string value, PodInfo pod, NodeInfo node)
    {
        if (!pods.TryGetValue((pod.Key.Namespace, value), out var part)) pods.Add((pod.Key.Namespace, value), part = new(1));
        part[pod] = node;
    }

    static void Remove(Dictionary<(string, string), Dictionary<PodInfo, NodeInfo>> pods, string value, PodInfo pod)
    {
        if (pods.TryGetValue((pod.Key.Namespace, value), out var part) && part.Remove(pod) && part.Count == 0) pods.Remove((pod.Key.Namespace, value));
    }
}

/// <summary>What indexes ask of a requirement.</summary>
internal static class ExactRequirement
{
    /// <summary>It leaves the label a single value.</summary>
    public static bool IsExact(this LabelRequirement requirement) =>
        requirement.Operator is LabelOperator.Equal or LabelOperator.DoubleEqual or LabelOperator.In && requirement.Values.Length == 1;
}
