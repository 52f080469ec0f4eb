using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Scheduler;

/// <summary>Writes what a decision without a node leads to: the Pod's condition, its nomination, and the going of its victims.</summary>
internal sealed class Writer(IClusterAccess cluster)
{
    public async Task RefuseAsync(PodInfo pod, string scheduler, Cycle.Decision decision, IReadOnlyList<PodInfo> outranked, CancellationToken ct)
    {
        cluster.Recorder.Event(pod.Pod, "Warning", "FailedScheduling", decision.Message);
        string? nominated = decision.Nominated.Length > 0 ? decision.Nominated : decision.Waits ? null : "";
        if (Refusal.Patch(pod.Pod, decision.Error ? "SchedulerError" : "Unschedulable", decision.Message, nominated, cluster.Time.GetUtcNow()) is { } status) await PatchStatusAsync(pod, status, ct);
        if (decision.Frees is { } claim)
        {
            try { await cluster.Client.UpdateStatusAsync(claim, ct); }
            // Somebody uses it by now, or has freed it: the next try sees.
            catch (ApiException e) when (e.IsNotFound || e.IsConflict) { }
        }
        foreach (var other in outranked) await PatchStatusAsync(other, Refusal.Nomination(""), ct);
        foreach (var victim in decision.Victims) await EvictAsync(victim, pod, scheduler, decision.Nominated, ct);
    }

    async Task EvictAsync(PodInfo victim, PodInfo preemptor, string scheduler, string node, CancellationToken ct)
    {
        if (victim.Terminating) return;
        await PatchStatusAsync(victim, Refusal.Disruption(victim.Pod, scheduler, cluster.Time.GetUtcNow()), ct);
        try { await cluster.Client.DeleteAsync<Pod>(victim.Key, new() { Preconditions = new() { Uid = victim.Uid } }, ct); }
        // It has gone already, or another of its name has come.
        catch (ApiException e) when (e.IsNotFound || e.IsConflict) { return; }
        cluster.Recorder.Event(victim.Pod, "Normal", "Preempted", $"Preempted by pod {preemptor.Uid} on node {node}");
    }

    async Task PatchStatusAsync(PodInfo pod, byte[] patch, CancellationToken ct)
    {
        try { await cluster.Client.PatchAsync<Pod>(pod.Key, Patch.Strategic(patch), ct, "status"); }
        catch (ApiException e) when (e.IsNotFound) { }
    }
}
