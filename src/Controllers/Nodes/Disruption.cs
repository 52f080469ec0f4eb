using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Nodes;

/// <summary>Says of a Pod that it is ended from outside, so that a Job need not count it as a failure (KEP-3329).</summary>
static class Disruption
{
    const string Type = "DisruptionTarget";

    public static PodCondition Target(string reason, string message, DateTimeOffset now) =>
        new() { Type = Type, Status = "True", Reason = reason, Message = message, LastTransitionTime = now };

    public static Pod Mark(Pod pod, string reason, string message, DateTimeOffset now)
    {
        if (pod.Status.Conditions.Exists(c => c is { Type: Type, Status: "True" } && c.Reason == reason)) return pod;
        var condition = Target(reason, message, now) with { ObservedGeneration = pod.Metadata.Generation };
        int at = pod.Status.Conditions.IndexOf(c => c.Type == Type);
        return pod with { Status = pod.Status with { Conditions = at < 0 ? pod.Status.Conditions.Add(condition) : pod.Status.Conditions.SetAt(at, condition) } };
    }
}
