using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Scheduler.Volumes;

/// <summary>Writes what was decided of a Pod's claims and waits until the volume controller, or a driver, has made it true.</summary>
internal sealed class ClaimBinder(IClusterAccess cluster, TimeSpan limit)
{
    /// <returns>Why the volumes cannot be had; null when all claims are bound.</returns>
    public async Task<string?> BindAsync(VolumePlan plan, string node, CancellationToken ct)
    {
        foreach (var (claim, volume) in plan.Bind) await PromiseAsync(claim, volume, ct);
        foreach (var claim in plan.Provision)
        {
            var asked = claim with { Metadata = claim.Metadata with { Annotations = claim.Metadata.Annotations.Set(VolumeNotes.SelectedNode, node) } };
            if (asked.Metadata.Annotations != claim.Metadata.Annotations) await cluster.Client.UpdateAsync(asked, ct);
        }
        return await WaitAsync(plan, node, ct);
    }

    async Task PromiseAsync(PersistentVolumeClaim claim, PersistentVolume volume, CancellationToken ct)
    {
        if (volume.Spec.ClaimRef is { } has && has.Uid == claim.Metadata.Uid) return;
        var promised = volume with
        {
            Metadata = volume.Spec.ClaimRef is not null ? volume.Metadata
                : volume.Metadata with { Annotations = volume.Metadata.Annotations.Set(VolumeNotes.BoundByController, "yes") },
            Spec = volume.Spec with
            {
                ClaimRef = new()
                {
                    Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = claim.Metadata.Namespace, Name = claim.Metadata.Name,
                    Uid = claim.Metadata.Uid, ResourceVersion = claim.Metadata.ResourceVersion,
                },
            },
        };
        await cluster.Client.UpdateAsync(promised, ct);
    }

    async Task<string?> WaitAsync(VolumePlan plan, string node, CancellationToken ct)
    {
        Key[] claims = [.. plan.Bind.Select(b => Key.Of(b.Claim)), .. plan.Provision.Select(Key.Of)];
        HashSet<Key> provisioned = [.. plan.Provision.Select(Key.Of)];
        var done = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Dictionary<Key, PersistentVolumeClaim?> seen = [];
        // The subscription tells of every claim first, so nothing is missed between the writes and the wait.
        using var changes = cluster.Cache<PersistentVolumeClaim>().Subscribe(change =>
        {
            var key = Key.Of(change.Object);
            if (!claims.Contains(key)) return;
            if (change.New is not { } claim) { done.TrySetResult($"persistentvolumeclaim \"{key.Name}\" not found"); return; }
            bool chosen = claim.Metadata.Annotations.TryGet(VolumeNotes.SelectedNode, out string? at);
            // A driver that cannot make the volume there takes the node away again.
            if (provisioned.Contains(key) && !StorageState.Bound(claim)
                && ((chosen && at != node) || (!chosen && seen.TryGetValue(key, out var before) && before!.Metadata.Annotations.ContainsKey(VolumeNotes.SelectedNode))))
            {
                done.TrySetResult($"provisioning failed for PVC \"{key.Name}\"");
                return;
            }
            seen[key] = claim;
            if (claims.All(c => seen.TryGetValue(c, out var s) && StorageState.Bound(s!))) done.TrySetResult(null);
        });
        try { return await done.Task.WaitAsync(limit, cluster.Time, ct); }
        catch (TimeoutException) { return "binding volumes: context deadline exceeded"; }
    }
}
