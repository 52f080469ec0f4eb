using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>The next step from the Pods that a Deployment has to those that it asks for.</summary>
/// <remarks>
/// Upstream's deployment controller as one function: a step either grows the new set or shrinks the old ones, within the limits, and
/// the next step is decided when its effect can be seen.
/// </remarks>
sealed record RollPlan
{
    /// <summary>The set of a template that has none yet.</summary>
    public ReplicaSet? Create { get; private init; }
    public ImmutableArray<SetChange> Change { get; private init; } = [];
    /// <summary>Sets that the history has no room for.</summary>
    public ImmutableArray<ReplicaSet> Delete { get; private init; } = [];
    /// <summary>The Deployment's own annotations.</summary>
    public required Map<string> Annotations { get; init; }
    public required DeploymentStatus Status { get; init; }
    /// <summary>When a rollout that does not move is to be called stuck.</summary>
    public DateTimeOffset? Deadline { get; private init; }

    /// <param name="sets">All sets that the Deployment controls.</param>
    /// <param name="runs">Whether a set still has Pods that have not ended: what a Recreate waits for.</param>
    public static RollPlan For(Deployment deployment, ImmutableArray<ReplicaSet> sets, Func<ReplicaSet, bool> runs, DateTimeOffset now)
    {
        if (deployment.Metadata.DeletionTimestamp is not null)
        {
            var last = new Draft(deployment, sets);
            return new() { Annotations = deployment.Metadata.Annotations, Status = RollStatus.Count(deployment, last, now) };
        }
        var d = WithPause(deployment, now);
        var draft = new Draft(d, sets);
        if (d.Spec.Paused || IsScaling(sets, draft.Limits))
        {
            Proportion.Scale(d, draft);
            d = Found(d, draft, now);
            var cleaned = d.Spec.Paused ? Surplus(d, draft) : [];
            return Of(d, draft, RollStatus.Count(d, draft, now), cleaned);
        }
        bool settled = RollLimits.IsRolling(d) ? Roll(d, draft) : Recreate(draft, runs);
        d = Found(d, draft, now);
        return Of(d, draft, RollStatus.Progress(d, draft, now), settled && RollStatus.IsComplete(deployment, deployment.Status) ? Surplus(d, draft) : []);
    }

    static RollPlan Of(Deployment d, Draft draft, DeploymentStatus status, ImmutableArray<ReplicaSet> surplus) => new()
    {
        Create = draft.Creates ? draft.New : null, Change = draft.Changes(), Delete = surplus, Status = status, Deadline = RollStatus.Deadline(d, status),
        Annotations = draft.New?.Metadata.Annotations[SetNotes.Revision] is { } revision
            ? d.Metadata.Annotations.Set(SetNotes.Revision, revision) : d.Metadata.Annotations,
    };

    /// <summary>The progress of a paused rollout is unknown, and its deadline starts anew when it goes on.</summary>
    static Deployment WithPause(Deployment d, DateTimeOffset now)
    {
        var known = d.Status.Conditions.Get(Conditions.Progressing);
        if (!Conditions.HasDeadline(d) || known?.Reason == Conditions.TimedOut) return d;
        bool said = known?.Reason == Conditions.Paused;
        if (d.Spec.Paused == said) return d;
        return With(d, d.Spec.Paused
            ? d.Status.Conditions.Say(now, Conditions.Progressing, "Unknown", Conditions.Paused, "Deployment is paused")
            : d.Status.Conditions.Say(now, Conditions.Progressing, "Unknown", "DeploymentResumed", "Deployment is resumed"));
    }

    /// <summary>The start of a rollout counts as progress.</summary>
    static Deployment Found(Deployment d, Draft draft, DateTimeOffset now)
    {
        if (!Conditions.HasDeadline(d) || draft.New is not { } set) return d;
        if (draft.Creates)
            return With(d, d.Status.Conditions.Say(
                now, Conditions.Progressing, "True", "NewReplicaSetCreated", $"Created new replica set \"{set.Metadata.Name}\""));
        return d.Status.Conditions.Get(Conditions.Progressing) is not null ? d
            : With(d, d.Status.Conditions.Say(now, Conditions.Progressing, "True", "FoundNewReplicaSet", $"Found new replica set \"{set.Metadata.Name}\""));
    }

    static Deployment With(Deployment d, Seq<DeploymentCondition> conditions) => d with { Status = d.Status with { Conditions = conditions } };

    /// <summary>The asked number changed since the sets were last sized.</summary>
    static bool IsScaling(ImmutableArray<ReplicaSet> sets, RollLimits limits) =>
        sets.Any(s => Draft.Size(s) > 0 && SetNotes.DesiredOf(s) is { } desired && desired != limits.Replicas);

    /// <returns>Whether nothing was left to scale.</returns>
    static bool Roll(Deployment d, Draft draft)
    {
        if (draft.New is null) draft.CreateNew();
        var set = draft.New!;
        int size = Draft.Size(set);
        int next = size > draft.Limits.Replicas ? draft.Limits.Replicas : draft.Limits.NewSize(d, size, draft.All.Sum(Draft.Size));
        return !(next != size && draft.Scale(set, next)) && !Shrink(draft);
    }

    /// <summary>Takes from the old sets what is not missed: first Pods that are not available anyway, then as many as the new set makes up for.</summary>
    /// <returns>Whether anything was taken.</returns>
    static bool Shrink(Draft draft)
    {
        // A set that was just made smaller reports its former Pods for a while, and one that has not looked at its size yet reports nothing
        // that can be relied upon: after down and up again its Pods may be gone.
        static bool IsCurrent(ReplicaSet set) => set.Status.ObservedGeneration >= set.Metadata.Generation;
        static int Available(ReplicaSet set) => IsCurrent(set) ? Math.Min(set.Status.AvailableReplicas, Draft.Size(set)) : 0;

        bool scaled = false;
        int unavailableNew = Draft.Size(draft.New) - (draft.New is { } set ? Available(set) : 0);
        int room = draft.All.Sum(Draft.Size) - draft.Limits.MinAvailable - unavailableNew;
        foreach (var old in draft.ActiveOlds.ToList())
        {
            int useless = Math.Min(room, Draft.Size(old) - Available(old));
            if (useless <= 0 || !IsCurrent(old)) continue;
            room -= useless;
            scaled |= draft.Scale(old, Draft.Size(old) - useless);
        }
        int spare = Math.Min(room, draft.All.Sum(Available) - draft.Limits.MinAvailable);
        foreach (var old in draft.ActiveOlds.ToList())
        {
            int less = Math.Min(spare, Draft.Size(old));
            if (less <= 0) break;
            spare -= less;
            scaled |= draft.Scale(old, Draft.Size(old) - less);
        }
        return scaled;
    }

    /// <summary>Everything old has to be gone before anything new comes.</summary>
    static bool Recreate(Draft draft, Func<ReplicaSet, bool> runs)
    {
        var active = draft.ActiveOlds.ToList();
        foreach (var old in active) draft.Scale(old, 0);
        if (active.Count > 0 || draft.Olds.Any(s => s.Status.Replicas > 0 || runs(s))) return false;
        if (draft.New is null) draft.CreateNew();
        return Draft.Size(draft.New) == draft.Limits.Replicas || !draft.Scale(draft.New!, draft.Limits.Replicas);
    }

    static ImmutableArray<ReplicaSet> Surplus(Deployment d, Draft draft)
    {
        if (d.Spec.RevisionHistoryLimit is not { } limit || limit == int.MaxValue) return [];
        var alive = draft.Olds.Where(s => s.Metadata.DeletionTimestamp is null).OrderBy(s => SetNotes.RevisionOf(s)).ToList();
        return [.. alive.Take(Math.Max(0, alive.Count - limit))
            .Where(s => s.Status.Replicas == 0 && Draft.Size(s) == 0 && s.Metadata.Generation <= s.Status.ObservedGeneration)];
    }
}
