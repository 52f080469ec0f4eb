using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods off cordoned nodes unless they tolerate the cordon.</summary>
internal sealed class NodeUnschedulable : IFilter
{
    static readonly Taint Cordon = new() { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" };

    public string Name => "NodeUnschedulable";
    public bool GoesByShape => true;
    public Change Cures => Change.NodeUncordoned | Change.NodeAdded;
    public bool MayCure(PodInfo pod, in ClusterChange change) => change.Node is { Spec.Unschedulable: false };

    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        !node.Unschedulable || pod.Tolerates(Cordon) ? Verdict.Fits : Verdict.Refuse("node(s) were unschedulable", hopeless: true);
}
