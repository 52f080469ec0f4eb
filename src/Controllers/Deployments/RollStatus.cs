using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>Tells how far a rollout is.</summary>
static class RollStatus
{
    const string Done = " has successfully progressed.";

    /// <summary>Counts, and whether enough is available; says nothing of progress.</summary>
    public static DeploymentStatus Count(Deployment deployment, Draft draft, DateTimeOffset now)
    {
        var all = draft.All.ToList();
        int available = all.Sum(s => s.Status.AvailableReplicas);
        bool enough = available >= draft.Limits.MinAvailable;
        var known = deployment.Status.Conditions;
        return deployment.Status with
        {
            ObservedGeneration = deployment.Metadata.Generation,
            Replicas = all.Sum(s => s.Status.Replicas),
            UpdatedReplicas = draft.New?.Status.Replicas ?? 0,
            ReadyReplicas = all.Sum(s => s.Status.ReadyReplicas),
            AvailableReplicas = available,
            UnavailableReplicas = Math.Max(0, all.Sum(Draft.Size) - available),
            // Not known as long as one set has not told.
            TerminatingReplicas = all.All(s => s.Status.TerminatingReplicas is not null) ? all.Sum(s => s.Status.TerminatingReplicas) : null,
            Conditions = enough
                ? known.Say(now, Conditions.Available, "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
                : known.Say(now, Conditions.Available, "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
        };
    }

    /// <summary>Counts, and what became of the rollout since the last look.</summary>
    public static DeploymentStatus Progress(Deployment deployment, Draft draft, DateTimeOffset now)
    {
        var status = Count(deployment, draft, now);
        var conditions = status.Conditions;
        var known = deployment.Status.Conditions.Get(Conditions.Progressing);
        string what = draft.New is { } set ? $"ReplicaSet \"{set.Metadata.Name}\"" : $"Deployment \"{deployment.Metadata.Name}\"";
        if (!Conditions.HasDeadline(deployment)) conditions = conditions.Without(Conditions.Progressing);
        // A rollout that is over stays over: what happens to its Pods later is no progress.
        // The set that it speaks of is looked at, too: that another was begun may not have been said, when the write was lost.
        else if (!(status.Replicas == status.UpdatedReplicas && known?.Reason == Conditions.NewSetAvailable && (draft.New is null || known.Message == what + Done)))
        {
            if (IsComplete(deployment, status))
                conditions = conditions.Renew(now, Conditions.Progressing, "True", Conditions.NewSetAvailable, what + Done);
            else if (HasProgressed(deployment.Status, status))
                conditions = conditions.Renew(now, Conditions.Progressing, "True", "ReplicaSetUpdated", what + " is progressing.");
            else if (HasTimedOut(deployment, status, now))
                conditions = conditions.Say(now, Conditions.Progressing, "False", Conditions.TimedOut, what + " has timed out progressing.");
        }
        var failure = Failure(draft.New) ?? draft.Olds.Select(Failure).FirstOrDefault(c => c is not null);
        conditions = failure is null
            ? conditions.Without(Conditions.ReplicaFailure)
            : conditions.Say(failure.LastTransitionTime ?? now, Conditions.ReplicaFailure, failure.Status, failure.Reason, failure.Message);
        return status with { Conditions = conditions };
    }

    public static bool IsComplete(Deployment deployment, DeploymentStatus status)
    {
        int replicas = deployment.Spec.Replicas ?? 1;
        return status.UpdatedReplicas == replicas && status.Replicas == replicas && status.AvailableReplicas == replicas
            && status.ObservedGeneration >= deployment.Metadata.Generation;
    }

    /// <summary>When an unfinished rollout will have taken too long; null when it cannot.</summary>
    public static DateTimeOffset? Deadline(Deployment deployment, DeploymentStatus status)
    {
        if (!Conditions.HasDeadline(deployment) || status.Conditions.Get(Conditions.Progressing) is not { } known) return null;
        if (IsComplete(deployment, status) || known.Reason is Conditions.TimedOut or Conditions.NewSetAvailable) return null;
        return known.LastUpdateTime?.AddSeconds(deployment.Spec.ProgressDeadlineSeconds!.Value);
    }

    static bool HasProgressed(DeploymentStatus old, DeploymentStatus now) =>
        now.UpdatedReplicas > old.UpdatedReplicas || now.Replicas - now.UpdatedReplicas < old.Replicas - old.UpdatedReplicas
        || now.ReadyReplicas > old.ReadyReplicas || now.AvailableReplicas > old.AvailableReplicas;

    static bool HasTimedOut(Deployment deployment, DeploymentStatus status, DateTimeOffset now) =>
        status.Conditions.Get(Conditions.Progressing)?.Reason == Conditions.TimedOut || Deadline(deployment, status) < now;

    static ReplicaSetCondition? Failure(ReplicaSet? set) => set?.Status.Conditions.Find(c => c.Type == Conditions.ReplicaFailure);
}
