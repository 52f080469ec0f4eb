using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>Writes what was decided of a Pod's claims, waits for devices that take time to be attached (KEP-5007), and takes it back when the Pod does not get its node.</summary>
internal sealed class ClaimWriter(IClusterAccess cluster, TimeSpan bindingTimeout)
{
    const string Finalizer = "resource.kubernetes.io/delete-protection";
    const int Attempts = 5;

    /// <returns>Why the Pod cannot have its devices; null when it can.</returns>
    public async Task<string?> BindAsync(PodInfo pod, DevicePlan plan, string node, CancellationToken ct)
    {
        for (int i = 0; i < plan.Claims.Length; i++)
        {
            var claim = plan.Claims[i];
            bool extended = i == plan.Claims.Length - 1 && !plan.Extended.IsEmpty;
            if (extended) plan.Written[Key.Of(plan.Claims[i])] = claim = await cluster.Client.CreateAsync(ExtendedClaim.ToCreate(pod, claim), ct);
            // Held for the Pod by a scheduler before this one: let go with the rest when it does not get its node.
            if (claim.Status.ReservedFor.Exists(r => r.Uid == pod.Uid)) plan.Written[Key.Of(plan.Claims[i])] = claim;
            else
            {
                var (written, refused) = await ReserveAsync(pod, claim, plan.Promised[i]?.Status.Allocation, ct);
                if (refused is not null) return refused;
                plan.Written[Key.Of(plan.Claims[i])] = claim = written!;
            }
            if (extended) await cluster.Client.PatchAsync<Pod>(pod.Key, Patch.Strategic(ExtendedClaim.Status(claim.Metadata.Name, plan.Extended)), ct, "status");
        }
        return await WaitAsync(pod, plan, node, ct);
    }

    async Task<(ResourceClaim? Written, string? Refused)> ReserveAsync(PodInfo pod, ResourceClaim claim, Api.Resource.V1.AllocationResult? found, CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                if (claim.Metadata.DeletionTimestamp is not null) return (null, $"claim {Key.Of(claim)} got deleted in the meantime");
                if (found is not null && claim.Status.Allocation is not null) return (null, $"claim {Key.Of(claim)} got allocated elsewhere in the meantime");
                if (found is null && claim.Status.Allocation is null) return (null, $"claim {Key.Of(claim)} got deallocated in the meantime");
                if (found is not null && !claim.Metadata.Finalizers.Contains(Finalizer))
                    claim = await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Finalizers = claim.Metadata.Finalizers.Add(Finalizer) } }, ct);
                var status = claim.Status with { ReservedFor = claim.Status.ReservedFor.Add(new() { Resource = "pods", Name = pod.Key.Name, Uid = pod.Uid }) };
                if (found is not null) status = status with { Allocation = found with { AllocationTimestamp = cluster.Time.GetUtcNow() } };
                return (await cluster.Client.UpdateStatusAsync(claim with { Status = status }, ct), null);
            }
            catch (ApiException e) when (e.IsConflict && attempt < Attempts)
            {
                if (await cluster.Client.FindAsync<ResourceClaim>(Key.Of(claim), ct) is not { } newer || newer.Metadata.Uid != claim.Metadata.Uid) return (null, $"claim {Key.Of(claim)} got deleted in the meantime");
                claim = newer;
            }
            catch (ApiException e) when (!e.IsConflict) { return (null, $"{(found is null ? "add reservation to" : "add allocation and reservation to")} claim {Key.Of(claim)}: {e.Message}"); }
        }
    }

    static bool Late(ResourceClaim claim) => claim.Status.Allocation is { } given && given.Devices.Results.Exists(r => !r.BindingConditions.IsEmpty);

    async Task<string?> WaitAsync(PodInfo pod, DevicePlan plan, string node, CancellationToken ct)
    {
        var late = plan.Claims.Select(c => plan.Written.GetValueOrDefault(Key.Of(c)) ?? c).Where(Late).ToDictionary(Key.Of);
        if (late.Count == 0) return null;
        cluster.Recorder.For(pod.Pod.Spec.SchedulerName).Event(pod.Pod, "Normal", "BindingConditionsPending", "waiting for binding conditions for device on node " + node);
        var done = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        HashSet<Key> ready = [];
        // The subscription tells of every claim first, so nothing is missed between the writes and the wait.
        using var changes = cluster.Cache<ResourceClaim>().Subscribe(change =>
        {
            var key = Key.Of(change.Object);
            if (!late.TryGetValue(key, out var mine)) return;
            if (change.New is not { } claim || claim.Metadata.Uid != mine.Metadata.Uid) { done.TrySetResult($"claim {key} got deleted in the meantime"); return; }
            // An older version, from before it was written.
            if (!claim.Status.ReservedFor.Exists(r => r.Uid == pod.Uid)) return;
            switch (Attached(claim))
            {
                case false: plan.Failed = true; done.TrySetResult($"claim {key} device binding failed"); break;
                case true:
                    ready.Add(key);
                    if (ready.Count == late.Count) done.TrySetResult(null);
                    break;
            }
        });
        try { return await done.Task.WaitAsync(bindingTimeout, cluster.Time, ct); }
        catch (TimeoutException)
        {
            plan.Failed = true;
            return "device binding timeout";
        }
    }

    /// <returns>Null while that is open.</returns>
    public static bool? Attached(ResourceClaim claim)
    {
        bool all = true;
        foreach (var result in claim.Status.Allocation?.Devices.Results ?? default)
        {
            var said = claim.Status.Devices.Find(d => d.Driver == result.Driver && d.Pool == result.Pool && d.Device == result.Device && d.ShareID == result.ShareID)?.Conditions ?? default;
            if (result.BindingFailureConditions.Exists(type => said.Exists(c => c.Type == type && c.Status == "True"))) return false;
            all &= !result.BindingConditions.Exists(type => !said.Exists(c => c.Type == type && c.Status == "True"));
        }
        return all ? true : null;
    }

    /// <summary>The Pod does not get its node: its claims are not held for it.</summary>
    public async Task ReleaseAsync(PodInfo pod, DevicePlan plan, CancellationToken ct)
    {
        foreach (var (key, written) in plan.Written.ToList())
        {
            if (!plan.Extended.IsEmpty && key == Key.Of(plan.Claims[^1]))
            {
                plan.Written.Remove(key);
                await DropAsync(written, ct);
                continue;
            }
            var claim = written;
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                var status = claim.Status with { ReservedFor = [.. claim.Status.ReservedFor.Where(r => r.Uid != pod.Uid)] };
                if (plan.Failed && status.ReservedFor.IsEmpty) status = status with { Allocation = null, Devices = default };
                try
                {
                    plan.Written[key] = await cluster.Client.UpdateStatusAsync(claim with { Status = status }, ct);
                    break;
                }
                catch (ApiException e) when (e.IsConflict)
                {
                    if (await cluster.Client.FindAsync<ResourceClaim>(key, ct) is not { } newer) break;
                    claim = newer;
                }
                catch (ApiException e) when (e.IsNotFound) { break; }
            }
        }
    }

    /// <summary>Deletes a claim that was made for extended resources, whatever it holds.</summary>
    public async Task DropAsync(ResourceClaim claim, CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
            try
            {
                if (claim.Metadata.Finalizers.Contains(Finalizer))
                    claim = await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Finalizers = [.. claim.Metadata.Finalizers.Where(f => f != Finalizer)] } }, ct);
                await cluster.Client.DeleteAsync<ResourceClaim>(Key.Of(claim), new() { Preconditions = new() { Uid = claim.Metadata.Uid } }, ct);
                return;
            }
            catch (ApiException e) when (e.IsConflict && attempt < Attempts)
            {
                if (await cluster.Client.FindAsync<ResourceClaim>(Key.Of(claim), ct) is not { } newer || newer.Metadata.Uid != claim.Metadata.Uid) return;
                claim = newer;
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict) { return; }
    }

    /// <summary>Frees what a Pod that fits nowhere is said to hold in vain.</summary>
    public async Task FreeAsync(ResourceClaim claim, CancellationToken ct)
    {
        if (ExtendedClaim.PodOf(claim) is not null) { await DropAsync(claim, ct); return; }
        try { await cluster.Client.UpdateStatusAsync(claim, ct); }
        // Somebody uses it by now, or has freed it: the next try sees.
        catch (ApiException e) when (e.IsNotFound || e.IsConflict) { }
    }
}
