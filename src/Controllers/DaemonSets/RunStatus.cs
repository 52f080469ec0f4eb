using Hanbae.Api.Apps.V1;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>Tells on how many nodes a DaemonSet should run, and does.</summary>
static class RunStatus
{
    /// <returns>The status, and when the next Pod will have been ready for long enough.</returns>
    public static (DaemonSetStatus Status, DateTimeOffset? ReadyAt) Of(DaemonSet set, Fleet fleet, string hash, DateTimeOffset now)
    {
        var sum = default(NodeTally);
        DateTimeOffset? readyAt = null;
        foreach (var place in fleet.Nodes)
        {
            var tally = NodeTally.Of(set, place, true, hash, now);
            if (tally.ReadyAt is { } at && !(readyAt < at)) readyAt = at;
            sum = sum.Plus(tally, 1);
        }
        return (Of(set, sum), readyAt);
    }

    public static DaemonSetStatus Of(DaemonSet set, NodeTally sum) => set.Status with
    {
        DesiredNumberScheduled = sum.Desired, CurrentNumberScheduled = sum.Current, NumberMisscheduled = sum.Misplaced, NumberReady = sum.Ready,
        UpdatedNumberScheduled = sum.Updated, NumberAvailable = sum.Available, NumberUnavailable = sum.Desired - sum.Available,
        ObservedGeneration = set.Metadata.Generation,
    };
}
