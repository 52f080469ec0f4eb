namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod the nodes that its selector and affinity name, and prefers those that it prefers.</summary>
internal sealed class NodeAffinity : IFilter, IScore
{
    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        pod.Wanted.IsEmpty || pod.Wanted.Matches(node.Node!) ? Verdict.Fits
            : Verdict.Refuse("node(s) didn't match Pod's node affinity/selector", Change.NodeLabels | Change.NodeAdded, hopeless: true);

    public bool Concerns(PodInfo pod) => pod.Wanted.Prefers;
    public long Score(PodInfo pod, NodeInfo node) => pod.Wanted.Preference(node.Node!);
    public Scaling Scale => Scaling.ToMost;
}
