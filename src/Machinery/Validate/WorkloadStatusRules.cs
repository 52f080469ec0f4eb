using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Refuses counts of Pods that cannot be: whoever reads a status may rely on parts being no more than the whole.</summary>
static class WorkloadStatusRules
{
    const string Whole = "cannot be greater than status.replicas";

    public static void Part(Deployment o, Deployment old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var s = o.Status;
        Counts(errors, ("observedGeneration", s.ObservedGeneration), ("replicas", s.Replicas), ("updatedReplicas", s.UpdatedReplicas), ("readyReplicas", s.ReadyReplicas),
            ("availableReplicas", s.AvailableReplicas), ("unavailableReplicas", s.UnavailableReplicas), ("terminatingReplicas", s.TerminatingReplicas), ("collisionCount", s.CollisionCount));
        NoMore(errors, Whole, s.Replicas, ("updatedReplicas", s.UpdatedReplicas), ("readyReplicas", s.ReadyReplicas), ("availableReplicas", s.AvailableReplicas));
        NoMore(errors, "cannot be greater than readyReplicas", s.ReadyReplicas, ("availableReplicas", s.AvailableReplicas));
        Collisions(s.CollisionCount, old.Status.CollisionCount, errors);
    }

    public static void Part(ReplicaSet o, ReplicaSet old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var s = o.Status;
        Counts(errors, ("terminatingReplicas", s.TerminatingReplicas));
        Replicas(s.Replicas, s.FullyLabeledReplicas, s.ReadyReplicas, s.AvailableReplicas, s.ObservedGeneration, errors);
    }

    public static void Part(ReplicationController o, ReplicationController old, string subresource, Errors errors)
    {
        if (subresource == "status")
            Replicas(o.Status.Replicas, o.Status.FullyLabeledReplicas, o.Status.ReadyReplicas, o.Status.AvailableReplicas, o.Status.ObservedGeneration, errors);
    }

    static void Replicas(int all, int labeled, int ready, int available, long generation, Errors errors)
    {
        Counts(errors, ("replicas", all), ("fullyLabeledReplicas", labeled), ("readyReplicas", ready), ("availableReplicas", available), ("observedGeneration", generation));
        NoMore(errors, Whole, all, ("fullyLabeledReplicas", labeled), ("readyReplicas", ready), ("availableReplicas", available));
        NoMore(errors, "cannot be greater than readyReplicas", ready, ("availableReplicas", available));
    }

    public static void Part(StatefulSet o, StatefulSet old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var s = o.Status;
        Counts(errors, ("replicas", s.Replicas), ("readyReplicas", s.ReadyReplicas), ("currentReplicas", s.CurrentReplicas), ("updatedReplicas", s.UpdatedReplicas),
            ("availableReplicas", s.AvailableReplicas), ("observedGeneration", s.ObservedGeneration), ("collisionCount", s.CollisionCount));
        NoMore(errors, Whole, s.Replicas, ("readyReplicas", s.ReadyReplicas), ("currentReplicas", s.CurrentReplicas), ("updatedReplicas", s.UpdatedReplicas), ("availableReplicas", s.AvailableReplicas));
        NoMore(errors, "cannot be greater than status.readyReplicas", s.ReadyReplicas, ("availableReplicas", s.AvailableReplicas));
        Collisions(s.CollisionCount, old.Status.CollisionCount, errors);
    }

    public static void Part(DaemonSet o, DaemonSet old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var s = o.Status;
        Counts(errors, ("currentNumberScheduled", s.CurrentNumberScheduled), ("numberMisscheduled", s.NumberMisscheduled), ("desiredNumberScheduled", s.DesiredNumberScheduled),
            ("numberReady", s.NumberReady), ("observedGeneration", s.ObservedGeneration), ("updatedNumberScheduled", s.UpdatedNumberScheduled), ("numberAvailable", s.NumberAvailable),
            ("numberUnavailable", s.NumberUnavailable), ("collisionCount", s.CollisionCount));
        Collisions(s.CollisionCount, old.Status.CollisionCount, errors);
    }

    static void Counts(Errors errors, params ReadOnlySpan<(string Name, long? Value)> counts)
    {
        foreach (var (name, value) in counts) errors.NotNegative(FieldPath.Of("status")[name], value);
    }

    static void NoMore(Errors errors, string why, int whole, params ReadOnlySpan<(string Name, int Value)> parts)
    {
        foreach (var (name, value) in parts)
            if (value > whole) errors.Invalid(FieldPath.Of("status")[name], value, why);
    }

    static void Collisions(int? now, int? was, Errors errors)
    {
        if (was is { } before && (now ?? 0) < before) errors.Invalid(FieldPath.Of("status")["collisionCount"], now ?? 0, "cannot be decremented");
    }
}
