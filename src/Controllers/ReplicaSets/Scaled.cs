using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Controllers.ReplicaSets;

/// <summary>How a kind is seen as a ReplicaSet, and how it takes the status of one.</summary>
sealed record Scaled<T>(Func<T, ReplicaSet> View, Func<T, ReplicaSetStatus, T> WithStatus) where T : class, IObject<T>;

/// <summary>The kinds that keep a number of Pods: ReplicaSets, and ReplicationControllers which came before them.</summary>
static class Scaled
{
    public static Scaled<ReplicaSet> ReplicaSets { get; } = new(static s => s, static (s, status) => s with { Status = status });

    public static Scaled<ReplicationController> ReplicationControllers { get; } = new(View, static (rc, s) => rc with
    {
        Status = rc.Status with
        {
            Replicas = s.Replicas, FullyLabeledReplicas = s.FullyLabeledReplicas, ReadyReplicas = s.ReadyReplicas, AvailableReplicas = s.AvailableReplicas,
            ObservedGeneration = s.ObservedGeneration,
            Conditions = s.Conditions.Select(c => new ReplicationControllerCondition
            {
                Type = c.Type, Status = c.Status, LastTransitionTime = c.LastTransitionTime, Reason = c.Reason, Message = c.Message,
            }).ToSeq(),
        },
    });

    static ReplicaSet View(ReplicationController rc) => new()
    {
        Metadata = rc.Metadata,
        Spec = new()
        {
            Replicas = rc.Spec.Replicas, MinReadySeconds = rc.Spec.MinReadySeconds, Template = rc.Spec.Template ?? PodTemplateSpec.Empty,
            // A selector that selects nothing in particular selects nothing here.
            Selector = rc.Spec.Selector.IsEmpty ? null : new LabelSelector { MatchLabels = rc.Spec.Selector },
        },
        Status = new()
        {
            Replicas = rc.Status.Replicas, FullyLabeledReplicas = rc.Status.FullyLabeledReplicas, ReadyReplicas = rc.Status.ReadyReplicas,
            AvailableReplicas = rc.Status.AvailableReplicas, ObservedGeneration = rc.Status.ObservedGeneration,
            Conditions = rc.Status.Conditions.Select(c => new ReplicaSetCondition
            {
                Type = c.Type, Status = c.Status, LastTransitionTime = c.LastTransitionTime, Reason = c.Reason, Message = c.Message,
            }).ToSeq(),
        },
    };
}
