using Hanbae.Api;
using Hanbae.Api.Scheduling.V1alpha2;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Has the Pods of a gang wait for one another: none is looked at before there are as many as the group wants (KEP-4671).</summary>
/// <remarks>That they get nodes together, or none does, is the <see cref="Groups.GroupAttempt"/>'s. Where PodGroups are not served it has nothing to say.</remarks>
internal sealed class GangScheduling : IPreEnqueue
{
    public string Name => "GangScheduling";
    public Change Cures => Change.PodGroup | Change.PodPending | Change.PodAdded;

    public bool MayCure(PodInfo pod, in ClusterChange change) =>
        pod.Group is { } group && (change.New is PodGroup g ? Key.Of(g) == group : change.Pod is { } other && PodInfo.GroupOf(other) == group);

    public string? PreEnqueue(PodInfo pod, Snapshot snapshot)
    {
        if (snapshot.Groups.Of(pod) is not { } key) return null;
        // In upstream's own words.
        if (snapshot.Groups.Find(key) is not { } group) return $"waiting for pods's pod group \"{key.Name}\" to appear in scheduling queue";
        return group.Spec.SchedulingPolicy.Gang is { } gang && snapshot.Groups.Count(key) < gang.MinCount ? "waiting for minCount pods from a gang to appear in scheduling queue" : null;
    }
}
