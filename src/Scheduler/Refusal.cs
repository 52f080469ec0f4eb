using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>Says in a Pod's status that, and why, it has no node.</summary>
internal static class Refusal
{
    /// <returns>A strategic merge patch, or null when the status says so already.</returns>
    public static byte[]? Condition(Pod pod, string message, DateTimeOffset now)
    {
        var before = pod.Status.Conditions.Find(c => c.Type == "PodScheduled");
        if (before is { Status: "False", Reason: "Unschedulable" } && before.Message == message) return null;
        var condition = new PodCondition
        {
            Type = "PodScheduled", Status = "False", Reason = "Unschedulable", Message = message,
            LastTransitionTime = before?.Status == "False" ? before.LastTransitionTime : now,
            ObservedGeneration = pod.Metadata.Generation,
        };
        var writer = new JsonWriter(512);
        try
        {
            writer.Raw("{\"status\":{\"conditions\":["u8);
            condition.WriteJson(ref writer);
            writer.Raw("]}}"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }
}
