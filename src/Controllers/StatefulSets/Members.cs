using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.StatefulSets;

/// <summary>Takes the steps of a plan for one StatefulSet, and tells so.</summary>
sealed class Members(IClusterAccess cluster, ICache<PersistentVolumeClaim> claims, StatefulSet set)
{
    readonly IClient _client = cluster.Client;

    /// <returns>The first failure.</returns>
    public async Task<Exception?> ApplyAsync(ImmutableArray<Step> steps, CancellationToken ct)
    {
        // What is made comes slowly, lest a broken template costs many failures.
        var creates = steps.Where(s => s.Kind == StepKind.Create).ToList();
        var failure = await SlowStart.RunAsync(creates, s => CreateAsync(s, ct));
        if (failure is not null) return failure;
        foreach (var step in steps)
            try
            {
                switch (step.Kind)
                {
                    case StepKind.Delete:
                        TellEnded(step.Pod);
                        await DeleteAsync(step.Pod, ct);
                        break;
                    case StepKind.Claims: await ClaimsAsync(step, ct); break;
                    case StepKind.Repair: await RepairAsync(step, ct); break;
                }
            }
            catch (Exception e) { return e; }
        return null;
    }

    /// <summary>A member that has ended is made anew, whichever way it ended.</summary>
    void TellEnded(Pod pod)
    {
        if (pod.Status.Phase == "Failed") cluster.Recorder.Event(set, "Warning", "RecreatingFailedPod", $"StatefulSet {Key.Of(set)} is recreating failed Pod {pod.Metadata.Name}");
        else if (pod.Status.Phase == "Succeeded") cluster.Recorder.Event(set, "Normal", "RecreatingTerminatedPod", $"StatefulSet {Key.Of(set)} is recreating terminated Pod {pod.Metadata.Name}");
    }

    async Task CreateAsync(Step step, CancellationToken ct)
    {
        try
        {
            await EnsureClaimsAsync(step, ct);
            var pod = await _client.CreateAsync(step.Pod, ct);
            await OwnClaimsAsync(pod, step.Ordinal, ct);
        }
        catch (Exception e)
        {
            // There already: the cache will show it, or a stranger has the name, which time may mend.
            if (e is not ApiException { IsAlreadyExists: true } && !ct.IsCancellationRequested) Tell("create", step.Pod, e);
            throw;
        }
        Tell("create", step.Pod, null);
    }

    async Task DeleteAsync(Pod pod, CancellationToken ct)
    {
        try
        {
            await _client.DeleteAsync(pod, Preconditions.Uid(pod), ct);
            Tell("delete", pod, null);
        }
        catch (Exception e)
        {
            if (e is ApiException { IsNotFound: true }) return;
            if (!ct.IsCancellationRequested) Tell("delete", pod, e);
            throw;
        }
    }

    async Task RepairAsync(Step step, CancellationToken ct)
    {
        try
        {
            await EnsureClaimsAsync(step, ct);
            await OwnClaimsAsync(step.Pod, step.Ordinal, ct);
            await _client.UpdateAsync(Identity.Repair(set, step.Pod, step.Ordinal), ct);
            Tell("update", step.Pod, null);
        }
        catch (Exception e) when (e is not ApiException { IsConflict: true } && !ct.IsCancellationRequested)
        {
            Tell("update", step.Pod, e);
            throw;
        }
    }

    async Task ClaimsAsync(Step step, CancellationToken ct)
    {
        // Those of a member that goes are not made for it any more.
        if (Identity.IsInRange(set, step.Ordinal)) await EnsureClaimsAsync(step, ct);
        await OwnClaimsAsync(step.Pod, step.Ordinal, ct);
    }

    async Task EnsureClaimsAsync(Step step, CancellationToken ct)
    {
        foreach (var claim in Claims.For(set, step.Ordinal))
        {
            if (claims.Find(Key.Of(claim)) is { } there)
            {
                if (there.IsBeingDeleted) throw new InvalidOperationException($"pvc {there.Metadata.Name} is being deleted");
                continue;
            }
            try
            {
                await _client.CreateAsync(claim, ct);
                TellClaim(claim, step.Pod, null);
            }
            catch (ApiException e) when (e.IsAlreadyExists) { }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                TellClaim(claim, step.Pod, e);
                throw;
            }
        }
    }

    async Task OwnClaimsAsync(Pod pod, int ordinal, CancellationToken ct)
    {
        foreach (var claim in Claims.For(set, ordinal))
        {
            var there = claims.Find(Key.Of(claim)) ?? await _client.FindAsync(claim, ct);
            if (there is null) continue;
            if (Claims.HasOtherController(set, pod, there))
                cluster.Recorder.Event(set, "Warning", "ConflictingController",
                    $"PersistentVolumeClaim {there.Metadata.Name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim");
            var owners = Claims.OwnersOf(set, pod, ordinal, there);
            if (owners == there.Metadata.OwnerReferences) continue;
            await _client.UpdateAsync(there with { Metadata = there.Metadata with { OwnerReferences = owners } }, ct);
        }
    }

    void Tell(string verb, Pod pod, Exception? e)
    {
        string what = $"{verb} Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name} ", reason = char.ToUpperInvariant(verb[0]) + verb[1..];
        if (e is null) cluster.Recorder.Event(set, "Normal", "Successful" + reason, what + "successful");
        else cluster.Recorder.Event(set, "Warning", "Failed" + reason, what + "failed error: " + e.Message);
    }

    void TellClaim(PersistentVolumeClaim claim, Pod pod, Exception? e)
    {
        if (e is null) cluster.Recorder.Event(set, "Normal", "SuccessfulCreate", $"create Claim {claim.Metadata.Name} Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name} success");
        else cluster.Recorder.Event(set, "Warning", "FailedCreate", $"create Claim {claim.Metadata.Name} for Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name} failed error: {e.Message}");
    }
}
