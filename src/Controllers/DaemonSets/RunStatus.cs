using System.Collections.Immutable;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>Tells on how many nodes a DaemonSet should run, and does.</summary>
static class RunStatus
{
    /// <returns>The status, and when the next Pod will have been ready for long enough.</returns>
    public static (DaemonSetStatus Status, DateTimeOffset? ReadyAt) Of(
        DaemonSet set, Fleet fleet, string hash, DateTimeOffset now)
    {
        int desired = 0, current = 0, misplaced = 0, ready = 0, updated = 0, available = 0, minReady = set.Spec.MinReadySeconds;
        DateTimeOffset? readyAt = null;
        foreach (var (_, runs, _, pods) in fleet.Nodes)
        {
            // While one comes beside another its time counts as well: the other goes then.
            foreach (var one in pods)
                if (one.AvailableFrom(minReady) is { } at && at > now && !(readyAt < at)) readyAt = at;
            if (!runs) { if (pods.Count > 0) misplaced++; continue; }
            desired++;
            if (pods.Count == 0) continue;
            current++;
            var pod = pods.Count == 1 ? pods[0] : pods.Order(Comparer<Pod>.Create(RunPlan.Older)).First();
            if (pod.IsReady)
            {
                ready++;
                if (pod.IsAvailable(minReady, now)) available++;
            }
            if (DaemonPod.IsUpdated(set, pod, hash)) updated++;
        }
        return (set.Status with
        {
            DesiredNumberScheduled = desired, CurrentNumberScheduled = current, NumberMisscheduled = misplaced, NumberReady = ready, UpdatedNumberScheduled = updated,
            NumberAvailable = available, NumberUnavailable = desired - available,
            ObservedGeneration = set.Metadata.Generation,
        }, readyAt);
    }
}
