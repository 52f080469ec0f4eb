using Hanbae.Api;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods off nodes that do not declare what they need (KEP-5328).</summary>
internal sealed class NodeDeclaredFeatures : IPreFilter, IFilter
{
    Seq<string> _needed = [];

    public string Name => "NodeDeclaredFeatures";
    public Change Cures => Change.NodeFeatures | Change.NodeAdded;

    public bool MayCure(PodInfo pod, in ClusterChange change) => change.Node is { } node && DeclaredFeatures.Missing(DeclaredFeatures.NeededBy(pod.Pod.Spec), node).IsEmpty;

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _needed = DeclaredFeatures.NeededBy(pod.Pod.Spec);
        return new(Skip: _needed.IsEmpty);
    }

    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        DeclaredFeatures.Missing(_needed, node.Node!).IsEmpty ? Verdict.Fits : Verdict.Refuse("node(s) didn't match Pod's required features", hopeless: true);
}
