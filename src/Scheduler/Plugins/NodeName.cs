namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod that names its node nothing but that node.</summary>
internal sealed class NodeName : IPreFilter, IFilter
{
    public string Name => "NodeName";
    public bool GoesByShape => true;
    public Change Cures => Change.NodeAdded;
    public bool MayCure(PodInfo pod, in ClusterChange change) => change.Node?.Metadata.Name == pod.Pod.Spec.NodeName;

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot) => new(Skip: pod.Pod.Spec.NodeName.Length == 0);

    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        pod.Pod.Spec.NodeName.Length == 0 || pod.Pod.Spec.NodeName == node.Name ? Verdict.Fits : Verdict.Refuse("node(s) didn't match the requested node name", hopeless: true);
}
