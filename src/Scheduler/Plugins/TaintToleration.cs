namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods off nodes whose taints they do not tolerate, and prefers nodes with fewer taints of the soft kind.</summary>
internal sealed class TaintToleration : IFilter, IScore
{
    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        foreach (var taint in node.Node!.Spec.Taints)
            if (taint.Effect is "NoSchedule" or "NoExecute" && !pod.Tolerates(taint))
                return Verdict.Refuse("node(s) had untolerated taint(s)", Change.NodeTaints | Change.NodeAdded, hopeless: true);
        return Verdict.Fits;
    }

    public long Score(PodInfo pod, NodeInfo node)
    {
        long untolerated = 0;
        foreach (var taint in node.Node!.Spec.Taints)
            if (taint.Effect == "PreferNoSchedule" && !pod.Tolerates(taint)) untolerated++;
        return untolerated;
    }

    public Scaling Scale => Scaling.ToMostReversed;
}
