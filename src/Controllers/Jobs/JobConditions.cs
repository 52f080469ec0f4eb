using Hanbae.Api;
using Hanbae.Api.Batch.V1;

namespace Hanbae.Controllers.Jobs;

/// <summary>Reads and writes a Job's conditions.</summary>
static class JobConditions
{
    public const string Complete = "Complete", Failed = "Failed", Suspended = "Suspended";
    /// <summary>What precedes the end, while Pods still run (KEP-3939, KEP-3998).</summary>
    public const string SuccessCriteriaMet = "SuccessCriteriaMet", FailureTarget = "FailureTarget";

    public static bool IsTrue(this Seq<JobCondition> conditions, string type) => conditions.Exists(c => c.Type == type && c.Status == "True");

    public static bool IsFinished(this Job job) => job.Status.Conditions.Exists(c => c is { Type: Complete or Failed, Status: "True" });

    public static JobCondition New(string type, string reason, string message, DateTimeOffset now, string status = "True") =>
        new() { Type = type, Status = status, Reason = reason, Message = message, LastProbeTime = now, LastTransitionTime = now };

    /// <summary>Says it, unless it is said already; that something is not so is said only of what was.</summary>
    public static Seq<JobCondition> Say(this Seq<JobCondition> conditions, JobCondition next)
    {
        int at = conditions.IndexOf(c => c.Type == next.Type);
        if (at < 0) return next.Status == "False" ? conditions : conditions.Add(next);
        var known = conditions[at];
        return known.Status == next.Status && known.Reason == next.Reason && known.Message == next.Message ? conditions : conditions.SetAt(at, next);
    }
}
