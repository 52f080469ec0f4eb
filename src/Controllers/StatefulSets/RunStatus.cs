using System.Collections.Immutable;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.StatefulSets;

/// <summary>Tells how many members there are, of which revision, and when an update is over.</summary>
static class RunStatus
{
    public static StatefulSetStatus Of(StatefulSet set, string current, string update, int? collisions, ImmutableArray<Pod> mine, int deleted, DateTimeOffset now)
    {
        var members = mine.Where(p => Identity.OrdinalOf(set, p) is not null).ToList();
        var running = members.Where(p => p is { Status.Phase: "Running", IsReady: true }).ToList();
        int Of(string revision) => members.Count(p => p.Metadata.DeletionTimestamp is null && Identity.RevisionOf(p) == revision);
        var status = set.Status with
        {
            ObservedGeneration = set.Metadata.Generation, CurrentRevision = current, UpdateRevision = update, CollisionCount = collisions ?? 0,
            Replicas = members.Count, ReadyReplicas = running.Count, AvailableReplicas = running.Count(p => p.IsAvailable(set.Spec.MinReadySeconds, now)),
            CurrentReplicas = Math.Max(0, Of(current) - deleted), UpdatedReplicas = Of(update),
        };
        int all = Identity.Replicas(set);
        bool complete = set.Spec.UpdateStrategy.Type != "OnDelete" && status.UpdatedReplicas == all && status.ReadyReplicas == all && status.Replicas == all;
        return complete ? status with { CurrentReplicas = status.UpdatedReplicas, CurrentRevision = update } : status;
    }
}
