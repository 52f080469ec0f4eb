using Hanbae.Api;
using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>How far a rollout may stray from the asked number of Pods, in Pods.</summary>
readonly record struct RollLimits(int Replicas, int MaxSurge, int MaxUnavailable)
{
    public int MaxTotal => Replicas + MaxSurge;
    public int MinAvailable => Replicas - MaxUnavailable;

    public static RollLimits Of(Deployment deployment)
    {
        int replicas = deployment.Spec.Replicas ?? 1;
        if (!IsRolling(deployment)) return new(replicas, 0, 0);
        var rolling = deployment.Spec.Strategy.RollingUpdate;
        int surge = (rolling?.MaxSurge ?? "25%").GetScaledValue(replicas, roundUp: true);
        int unavailable = (rolling?.MaxUnavailable ?? "25%").GetScaledValue(replicas, roundUp: false);
        // Percentages of few Pods may round to no room at all: one Pod has to be let go of then.
        if (surge == 0 && unavailable == 0) unavailable = 1;
        return new(replicas, surge, Math.Min(unavailable, replicas));
    }

    public static bool IsRolling(Deployment deployment) => deployment.Spec.Strategy.Type != "Recreate";

    /// <summary>How large the set of the newest template may be now.</summary>
    /// <param name="all">The sizes of all sets together, the new one's included.</param>
    public int NewSize(Deployment deployment, int current, int all)
    {
        if (!IsRolling(deployment)) return Replicas;
        return all >= MaxTotal ? current : current + Math.Min(MaxTotal - all, Replicas - current);
    }
}
