using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>Spreads a change of a Deployment's size over its sets while a rollout is under way.</summary>
/// <remarks>As upstream: each set by its share, the rounding's remainder to the largest.</remarks>
static class Proportion
{
    public static void Scale(Deployment deployment, Draft draft)
    {
        // One set, or none, carries everything.
        var active = draft.Active.ToList();
        if (active.Count <= 1)
        {
            var only = active.Count == 1 ? active[0] : draft.New ?? draft.Olds.LastOrDefault();
            if (only is not null) draft.Scale(only, draft.Limits.Replicas);
            return;
        }
        if (IsSaturated(draft))
        {
            foreach (var old in draft.ActiveOlds.ToList()) draft.Scale(old, 0);
            return;
        }
        if (!RollLimits.IsRolling(deployment)) return;

        int allowed = draft.Limits.Replicas > 0 ? draft.Limits.MaxTotal : 0;
        int toAdd = allowed - active.Sum(Draft.Size), added = 0;
        // The largest first; of two as large the newer grows and the older shrinks.
        active = toAdd > 0
            ? [.. active.OrderByDescending(Draft.Size).ThenByDescending(s => s.Metadata.CreationTimestamp)]
            : [.. active.OrderByDescending(Draft.Size).ThenBy(s => s.Metadata.CreationTimestamp)];
        var sizes = new int[active.Count];
        for (int i = 0; i < sizes.Length; i++)
        {
            int share = Share(deployment, draft.Limits, active[i], toAdd, added);
            sizes[i] = Draft.Size(active[i]) + share;
            added += share;
        }
        sizes[0] = Math.Max(0, sizes[0] + toAdd - added);
        for (int i = 0; i < sizes.Length; i++) draft.Scale(active[i], sizes[i]);
    }

    /// <summary>The new set is all there is need for.</summary>
    static bool IsSaturated(Draft draft) => draft.New is { } set
        && Draft.Size(set) == draft.Limits.Replicas && SetNotes.DesiredOf(set) == draft.Limits.Replicas && set.Status.AvailableReplicas == draft.Limits.Replicas;

    static int Share(Deployment deployment, RollLimits limits, ReplicaSet set, int toAdd, int added)
    {
        if (Draft.Size(set) == 0 || toAdd == 0 || toAdd == added) return 0;
        int fraction = Fraction(deployment, limits, set), left = toAdd - added;
        return toAdd > 0 ? Math.Min(fraction, left) : Math.Max(fraction, left);
    }

    static int Fraction(Deployment deployment, RollLimits limits, ReplicaSet set)
    {
        int size = Draft.Size(set);
        if (limits.Replicas == 0) return -size;
        int before = SetNotes.MaxOf(set) is { } max and > 0 ? max : deployment.Status.Replicas;
        if (before == 0) return 0;
        return (int)Math.Round((double)size * limits.MaxTotal / before, MidpointRounding.AwayFromZero) - size;
    }
}
