using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>Says in a Pod's status that, and why, it has no node, and on which one room is made for it.</summary>
internal static class Refusal
{
    /// <param name="nominated">Null: as it is.</param>
    /// <returns>A strategic merge patch, or null when the status says so already.</returns>
    public static byte[]? Patch(Pod pod, string reason, string message, string? nominated, DateTimeOffset now)
    {
        var before = pod.Status.Conditions.Find(c => c.Type == "PodScheduled");
        bool says = before is { Status: "False" } && before.Reason == reason && before.Message == message;
        bool names = nominated is null || nominated == pod.Status.NominatedNodeName;
        if (says && names) return null;
        PodCondition? condition = says ? null : new()
        {
            Type = "PodScheduled", Status = "False", Reason = reason, Message = message,
            LastTransitionTime = before?.Status == "False" ? before.LastTransitionTime : now,
            ObservedGeneration = pod.Metadata.Generation,
        };
        return Status(pod.Metadata.Uid, condition, names ? null : nominated);
    }

    /// <summary>Says of a Pod that it has to go for a more important one (KEP-3329).</summary>
    public static byte[] Disruption(Pod pod, string scheduler, DateTimeOffset now) => Status(pod.Metadata.Uid, new()
    {
        Type = "DisruptionTarget", Status = "True", Reason = "PreemptionByScheduler", Message = scheduler + ": preempting to accommodate a higher priority pod",
        LastTransitionTime = now, ObservedGeneration = pod.Metadata.Generation,
    }, null);

    public static byte[] Nomination(string uid, string node) => Status(uid, null, node);

    /// <param name="uid">Of the Pod that is meant: another may have its name by now.</param>
    static byte[] Status(string uid, PodCondition? condition, string? nominated)
    {
        var writer = new JsonWriter(512);
        try
        {
            writer.Raw("{\"metadata\":{\"uid\":"u8);
            writer.String(uid);
            writer.Raw("},\"status\":{"u8);
            if (condition is not null)
            {
                writer.Raw("\"conditions\":["u8);
                condition.WriteJson(ref writer);
                writer.Raw("]"u8);
            }
            if (nominated is not null)
            {
                writer.Raw(condition is null ? "\"nominatedNodeName\":"u8 : ",\"nominatedNodeName\":"u8);
                // An empty name is taken away, not written.
                if (nominated.Length == 0) writer.Raw("null"u8);
                else writer.Raw(System.Text.Encoding.UTF8.GetBytes($"\"{nominated}\""));
            }
            writer.Raw("}}"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }
}
