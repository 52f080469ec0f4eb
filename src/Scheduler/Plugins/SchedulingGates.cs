namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves Pods alone that somebody holds back (KEP-3521). Nothing but the Pod's own update cures that.</summary>
internal sealed class SchedulingGates : IPreEnqueue
{
    public string Name => "SchedulingGates";

    public string? PreEnqueue(PodInfo pod, Snapshot snapshot) =>
        pod.Pod.Spec.SchedulingGates.IsEmpty ? null : $"waiting for scheduling gates: [{string.Join(' ', pod.Pod.Spec.SchedulingGates.Select(g => g.Name))}]";
}
