using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods off nodes whose taints they do not tolerate, and prefers nodes with fewer taints of the soft kind.</summary>
internal sealed class TaintToleration : IFilter, IScore
{
    public string Name => "TaintToleration";
    public bool GoesByShape => true;
    public Change Cures => Change.NodeTaints | Change.NodeAdded;
    public bool MayCure(PodInfo pod, in ClusterChange change) => change.Node is { } node && !Repels(pod, node.Spec.Taints) && (change.Old is not Node before || Repels(pod, before.Spec.Taints));

    // Since v1.34.2 the taint is not named: Pods' owners need not know of nodes.
    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        node.HasHardTaints && Repels(pod, node.Node!.Spec.Taints) ? Verdict.Refuse("node(s) had untolerated taint(s)", hopeless: true) : Verdict.Fits;

    public static bool Repels(PodInfo pod, Seq<Taint> taints)
    {
        foreach (var taint in taints)
            if (taint.Effect is "NoSchedule" or "NoExecute" && !pod.Tolerates(taint)) return true;
        return false;
    }

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits) => snapshot.SoftTainted > 0;

    public long Score(PodInfo pod, NodeInfo node)
    {
        if (!node.HasSoftTaints) return 0;
        long untolerated = 0;
        foreach (var taint in node.Node!.Spec.Taints)
            if (taint.Effect == "PreferNoSchedule" && !pod.Tolerates(taint)) untolerated++;
        return untolerated;
    }

    public void Normalize(PodInfo pod, ReadOnlySpan<NodeInfo> fits, Span<long> scores) => Scores.ToMost(scores, reverse: true);
}
