using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.ReplicaSets;

/// <summary>What has to change for a ReplicaSet's Pods to be as many as asked.</summary>
/// <param name="ReadyAt">When the next Pod will have been ready for long enough.</param>
sealed record ScalePlan(ImmutableArray<Pod> Create, ImmutableArray<Pod> Delete, ReplicaSetStatus Status, DateTimeOffset? ReadyAt)
{
    /// <summary>At most so many Pods are made or deleted at a time (upstream's BurstReplicas).</summary>
    const int Burst = 500;

    /// <param name="mine">All Pods that the set controls.</param>
    /// <param name="relatives">Pods of sets that share the set's own controller; asked for only when some have to go.</param>
    /// <param name="now">Decides which Pods have been ready for <c>minReadySeconds</c>.</param>
    /// <param name="owner">Who controls the Pods, when the set is another kind's view.</param>
    public static ScalePlan For(ReplicaSet set, ImmutableArray<Pod> mine, Func<IEnumerable<Pod>> relatives, DateTimeOffset now, OwnerReference? owner = null)
    {
        var active = mine.Where(p => p.IsActive).ToImmutableArray();
        int missing = (set.Spec.Replicas ?? 1) - active.Length;
        return new(
            Create: missing > 0 ? [.. Enumerable.Repeat(StampOf(set, owner ?? set.ControllerRef()), Math.Min(missing, Burst))] : [],
            Delete: missing < 0 ? Surplus(active, Math.Min(-missing, Burst), relatives, now) : [],
            Status: StatusOf(set, mine, active, now),
            ReadyAt: active.Select(p => p.AvailableFrom(set.Spec.MinReadySeconds)).Where(at => at > now).Min());
    }

    /// <summary>The status once the plan was tried.</summary>
    /// <param name="failure">What came of it, if it failed.</param>
    public ReplicaSetStatus StatusAfter(Exception? failure, DateTimeOffset now)
    {
        bool told = Status.Conditions.Exists(c => c.Type == ReplicaFailure);
        if (failure is null) return told ? Status with { Conditions = Status.Conditions.Where(c => c.Type != ReplicaFailure).ToSeq() } : Status;
        if (told) return Status;
        return Status with
        {
            Conditions = Status.Conditions.Add(new()
            {
                Type = ReplicaFailure, Status = "True", LastTransitionTime = now, Message = failure.Message,
                Reason = Create.Length > 0 ? "FailedCreate" : Delete.Length > 0 ? "FailedDelete" : "",
            }),
        };
    }

    const string ReplicaFailure = "ReplicaFailure";

    static Pod StampOf(ReplicaSet set, OwnerReference owner) => PodStamp.From(set.Spec.Template, set.Metadata.Namespace, owner);

    static ImmutableArray<Pod> Surplus(ImmutableArray<Pod> active, int count, Func<IEnumerable<Pod>> relatives, DateTimeOffset now) =>
        count >= active.Length ? active : [.. active.Order(new DeletionOrder(relatives(), now)).Take(count)];

    static ReplicaSetStatus StatusOf(ReplicaSet set, ImmutableArray<Pod> mine, ImmutableArray<Pod> active, DateTimeOffset now)
    {
        var labels = set.Spec.Template.Metadata.Labels.ToSelector();
        return set.Status with
        {
            Replicas = active.Length,
            FullyLabeledReplicas = active.Count(p => labels.Matches(p.Metadata.Labels)),
            ReadyReplicas = active.Count(p => p.IsReady),
            AvailableReplicas = active.Count(p => p.IsAvailable(set.Spec.MinReadySeconds, now)),
            TerminatingReplicas = mine.Count(p => p.IsTerminating),
            ObservedGeneration = set.Metadata.Generation,
        };
    }
}
