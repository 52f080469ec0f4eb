using System.Collections.Immutable;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>Tells on how many nodes a DaemonSet should run, and does.</summary>
static class RunStatus
{
    /// <param name="observed">Whether the nodes were brought in order for this generation.</param>
    /// <returns>The status, and when the next Pod will have been ready for long enough.</returns>
    public static (DaemonSetStatus Status, DateTimeOffset? ReadyAt) Of(
        DaemonSet set, IReadOnlyCollection<Node> nodes, ImmutableArray<Pod> mine, string hash, bool observed, DateTimeOffset now)
    {
        var byNode = RunPlan.ByNode(mine);
        int desired = 0, current = 0, misplaced = 0, ready = 0, updated = 0, available = 0, minReady = set.Spec.MinReadySeconds;
        DateTimeOffset? readyAt = null;
        foreach (var node in nodes)
        {
            bool there = byNode.TryGetValue(node.Metadata.Name, out var pods);
            if (!DaemonPod.Fits(set, node).Runs) { if (there) misplaced++; continue; }
            desired++;
            if (!there) continue;
            current++;
            pods!.Sort(RunPlan.Older);
            var pod = pods[0];
            if (pod.IsReady)
            {
                ready++;
                if (pod.IsAvailable(minReady, now)) available++;
                else if (pod.AvailableFrom(minReady) is { } at && (readyAt is null || at < readyAt)) readyAt = at;
            }
            if (DaemonPod.IsUpdated(pod, hash)) updated++;
        }
        return (set.Status with
        {
            DesiredNumberScheduled = desired, CurrentNumberScheduled = current, NumberMisscheduled = misplaced, NumberReady = ready, UpdatedNumberScheduled = updated,
            NumberAvailable = available, NumberUnavailable = desired - available,
            ObservedGeneration = observed ? set.Metadata.Generation : set.Status.ObservedGeneration,
        }, readyAt);
    }
}
