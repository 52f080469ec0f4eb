namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod that names its node nothing but that node.</summary>
internal sealed class NodeName : IFilter
{
    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        pod.Pod.Spec.NodeName.Length == 0 || pod.Pod.Spec.NodeName == node.Name ? Verdict.Fits
            : Verdict.Refuse("node(s) didn't match the requested node name", Change.NodeAdded, hopeless: true);
}
