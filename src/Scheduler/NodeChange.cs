using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Names what changed of a node, so that only Pods are woken that it may help; heartbeats wake none.</summary>
internal static class NodeChange
{
    public static Change Of(Node? old, Node now)
    {
        if (old is null) return Change.NodeAdded;
        var change = Change.None;
        if (old.Status.Allocatable != now.Status.Allocatable) change |= Change.NodeAllocatable;
        if (old.Metadata.Labels != now.Metadata.Labels) change |= Change.NodeLabels;
        if (old.Spec.Taints != now.Spec.Taints) change |= Change.NodeTaints;
        if (old.Spec.Unschedulable && !now.Spec.Unschedulable) change |= Change.NodeUncordoned;
        if (old.Status.DeclaredFeatures != now.Status.DeclaredFeatures) change |= Change.NodeFeatures;
        return change;
    }
}
