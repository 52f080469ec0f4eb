using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Scheduling.V1alpha2;

namespace Hanbae.Scheduler.Groups;

/// <summary>Says in a PodGroup's status whether its Pods have nodes.</summary>
internal static class GroupCondition
{
    const string Type = "PodGroupScheduled";

    /// <returns>The group as it is to be; null when it says so already. A group that was scheduled once stays so: Pods that come later are no part of the gang.</returns>
    public static PodGroup? Of(PodGroup group, GroupAttempt.Verdict verdict, DateTimeOffset now)
    {
        var before = group.Status.Conditions.Find(c => c.Type == Type);
        if (before is { Status: "True" } && !verdict.Scheduled) return null;
        string status = verdict.Scheduled ? "True" : "False";
        var condition = new Condition
        {
            Type = Type, Status = status, Reason = verdict.Reason, Message = verdict.Message, ObservedGeneration = group.Metadata.Generation,
            LastTransitionTime = before?.Status == status ? before.LastTransitionTime : now,
        };
        if (condition == before) return null;
        return group with { Status = group.Status with { Conditions = [.. group.Status.Conditions.Where(c => c.Type != Type), condition] } };
    }
}
