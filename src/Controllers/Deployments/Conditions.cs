using Hanbae.Api;
using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>Keeps a Deployment's conditions as <c>kubectl rollout status</c> reads them.</summary>
static class Conditions
{
    public const string Progressing = "Progressing";
    public const string Available = "Available";
    public const string ReplicaFailure = "ReplicaFailure";

    public const string NewSetAvailable = "NewReplicaSetAvailable";
    public const string TimedOut = "ProgressDeadlineExceeded";
    public const string Paused = "DeploymentPaused";

    public static DeploymentCondition? Get(this Seq<DeploymentCondition> conditions, string type) => conditions.Find(c => c.Type == type);

    public static Seq<DeploymentCondition> Without(this Seq<DeploymentCondition> conditions, string type) =>
        conditions.Exists(c => c.Type == type) ? conditions.Where(c => c.Type != type).ToSeq() : conditions;

    /// <summary>Says it, unless it was said for the same reason; a transition is dated only when the status changes.</summary>
    public static Seq<DeploymentCondition> Say(
        this Seq<DeploymentCondition> conditions, DateTimeOffset now, string type, string status, string reason, string message)
    {
        var known = conditions.Get(type);
        if (known is not null && known.Status == status && known.Reason == reason) return conditions;
        return conditions.Renew(now, type, status, reason, message);
    }

    /// <summary>Says it in any case: its time of update is the last sign of progress.</summary>
    public static Seq<DeploymentCondition> Renew(
        this Seq<DeploymentCondition> conditions, DateTimeOffset now, string type, string status, string reason, string message)
    {
        var known = conditions.Get(type);
        return conditions.Without(type).Add(new()
        {
            Type = type, Status = status, Reason = reason, Message = message, LastUpdateTime = now,
            LastTransitionTime = known is not null && known.Status == status ? known.LastTransitionTime : now,
        });
    }

    /// <summary>The deadline is a length of time, not "never".</summary>
    public static bool HasDeadline(Deployment deployment) => deployment.Spec.ProgressDeadlineSeconds is { } seconds && seconds != int.MaxValue;
}
