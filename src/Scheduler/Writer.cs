using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Scheduling.V1alpha2;
using Hanbae.Client;
using Hanbae.Scheduler.Devices;
using Hanbae.Scheduler.Groups;

namespace Hanbae.Scheduler;

/// <summary>Writes what a decision without a node leads to: the Pod's condition, its nomination, and the going of its victims.</summary>
internal sealed class Writer(IClusterAccess cluster)
{
    public async Task RefuseAsync(PodInfo pod, string scheduler, Cycle.Decision decision, IReadOnlyList<PodInfo> outranked, CancellationToken ct)
    {
        cluster.Recorder.For(scheduler).Event(pod.Pod, "Warning", "FailedScheduling", decision.Message);
        string? nominated = decision.Nominated.Length > 0 ? decision.Nominated : decision.Waits ? null : "";
        if (Refusal.Patch(pod.Pod, decision.Error ? "SchedulerError" : "Unschedulable", decision.Message, nominated, cluster.Time.GetUtcNow()) is { } status) await PatchStatusAsync(pod, status, ct);
        if (decision.Frees is { } claim) await new ClaimWriter(cluster, default).FreeAsync(claim, ct);
        foreach (var other in outranked) await PatchStatusAsync(other, Refusal.Nomination(other.Uid, ""), ct);
        PodInfo[] victims = [.. decision.Victims.Where(v => !v.Terminating)];
        if (victims.Length == 0) return;
        // The last only when the others go: none goes for nothing as long as one that is needed stays.
        await Task.WhenAll(victims[..^1].Select(victim => EvictAsync(victim, pod, scheduler, decision.Nominated, ct)));
        await EvictAsync(victims[^1], pod, scheduler, decision.Nominated, ct);
    }

    /// <summary>Says to which node a Pod is going, before what has to be done for that.</summary>
    public Task NominateAsync(PodInfo pod, string node, CancellationToken ct) => PatchStatusAsync(pod, Refusal.Nomination(pod.Uid, node), ct);

    /// <summary>Says what became of a group.</summary>
    public async Task SayAsync(PodGroup group, GroupAttempt.Verdict verdict, CancellationToken ct)
    {
        var key = Api.Key.Of(group);
        // What is known of it may be older than what was last said.
        for (int tries = 0; tries < 5; tries++)
        {
            if (await cluster.Client.FindAsync<PodGroup>(key, ct) is not { } there || there.Metadata.Uid != group.Metadata.Uid || GroupCondition.Of(there, verdict, cluster.Time.GetUtcNow()) is not { } said) return;
            try { await cluster.Client.UpdateStatusAsync(said, ct); return; }
            catch (ApiException e) when (e.IsConflict) { }
            catch (ApiException e) when (e.IsNotFound) { return; }
        }
    }

    async Task EvictAsync(PodInfo victim, PodInfo preemptor, string scheduler, string node, CancellationToken ct)
    {
        await PatchStatusAsync(victim, Refusal.Disruption(victim.Pod, scheduler, cluster.Time.GetUtcNow()), ct);
        try { await cluster.Client.DeleteAsync<Pod>(victim.Key, new() { Preconditions = new() { Uid = victim.Uid } }, ct); }
        // It has gone already, or another of its name has come.
        catch (ApiException e) when (e.IsNotFound || e.IsConflict) { return; }
        cluster.Recorder.For(scheduler).Event(victim.Pod, "Normal", "Preempted", $"Preempted by pod {preemptor.Uid} on node {node}");
    }

    async Task PatchStatusAsync(PodInfo pod, byte[] patch, CancellationToken ct)
    {
        try { await cluster.Client.PatchAsync<Pod>(pod.Key, Patch.Strategic(patch), ct, "status"); }
        // It is gone, or another of its name is there.
        catch (ApiException e) when (e.IsNotFound || e.IsConflict || (e.Reason == "Invalid" && e.Message.Contains("metadata.uid", StringComparison.Ordinal))) { }
    }
}
