using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.PodDisruptionBudgets;

/// <summary>How many of a budget's Pods may be disrupted now.</summary>
/// <param name="Late">Pods whose eviction was allowed long ago and that are still there.</param>
/// <param name="CheckAt">When the next of those is late.</param>
sealed record BudgetPlan(PodDisruptionBudgetStatus Status, ImmutableArray<Pod> Late, DateTimeOffset? CheckAt)
{
    const string Allowed = "DisruptionAllowed";
    /// <summary>An eviction that was allowed has to show within that time; it is taken back otherwise.</summary>
    public static readonly TimeSpan EvictionTimeout = TimeSpan.FromMinutes(2);

    /// <summary>The budget speaks of what its Pods' controllers ask for, not only of the Pods there are.</summary>
    public static bool NeedsScale(PodDisruptionBudget budget) => budget.Spec.MaxUnavailable is not null || budget.Spec.MinAvailable is { IsString: true };

    /// <param name="scale">The Pods asked for; as many as there are, for a budget that does not look at that; none, for one that sets no bound.</param>
    public static BudgetPlan For(PodDisruptionBudget budget, IReadOnlyCollection<Pod> pods, int scale, DateTimeOffset now)
    {
        int desired = budget.Spec.MaxUnavailable is { } most ? Math.Max(0, scale - most.GetScaledValue(scale, roundUp: true))
            : budget.Spec.MinAvailable is { } least ? least.GetScaledValue(scale, roundUp: true) : 0;
        var disrupted = new Dictionary<string, DateTimeOffset>();
        var late = ImmutableArray.CreateBuilder<Pod>();
        foreach (var pod in pods)
            if (!pod.IsBeingDeleted && budget.Status.DisruptedPods[pod.Metadata.Name] is { } since)
                if (since + EvictionTimeout < now) late.Add(pod);
                else disrupted.Add(pod.Metadata.Name, since);
        int healthy = pods.Count(p => !p.IsBeingDeleted && !disrupted.ContainsKey(p.Metadata.Name) && p.IsReady);
        int allowed = scale <= 0 ? 0 : Math.Max(0, healthy - desired);
        var status = budget.Status with
        {
            CurrentHealthy = healthy, DesiredHealthy = desired, ExpectedPods = scale, DisruptionsAllowed = allowed, ObservedGeneration = budget.Metadata.Generation,
            DisruptedPods = disrupted.Count == 0 ? default
                : budget.Status.DisruptedPods.Where(p => disrupted.ContainsKey(p.Key)).ToMap(),
        };
        status = status with { Conditions = Say(status, allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods", "", now) };
        return new(status, late.DrainToImmutable(), disrupted.Count == 0 ? null : disrupted.Values.Min() + EvictionTimeout);
    }

    /// <summary>What cannot be worked out allows nothing.</summary>
    public static PodDisruptionBudgetStatus Unknown(PodDisruptionBudget budget, string why, DateTimeOffset now)
    {
        // What the spec says by now was not looked at: the generation stays what it was.
        var status = budget.Status with { DisruptionsAllowed = 0 };
        return status with { Conditions = Say(status, "False", "SyncFailed", why, now) };
    }

    static Seq<Condition> Say(PodDisruptionBudgetStatus status, string value, string reason, string message, DateTimeOffset now)
    {
        int at = status.Conditions.IndexOf(c => c.Type == Allowed);
        var known = at < 0 ? null : status.Conditions[at];
        var next = new Condition
        {
            Type = Allowed, Status = value, Reason = reason, Message = message, ObservedGeneration = status.ObservedGeneration,
            LastTransitionTime = known?.Status == value ? known.LastTransitionTime : now,
        };
        return at < 0 ? status.Conditions.Add(next) : status.Conditions.SetAt(at, next);
    }
}
