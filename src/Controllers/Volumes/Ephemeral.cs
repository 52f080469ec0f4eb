using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.PersistentVolumeClaims;

namespace Hanbae.Controllers.Volumes;

/// <summary>Makes the claims of Pods' generic ephemeral volumes (KEP-1698); each goes with its Pod, which owns it.</summary>
sealed class Ephemeral(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();

    public void Watch(Triggers on)
    {
        _pods.IndexClaims();
        on.When(_pods, e => e is { New: { } pod } && e.Old?.Metadata.Uid != pod.Metadata.Uid && pod.Spec.Volumes.Exists(v => v.Ephemeral is not null))
            // A claim that somebody deleted is made again, and so is one whose name a stranger had until now.
            .From(add => _claims.Subscribe(e => { if (e.New is null) foreach (var pod in _pods.UsersOf(Key.Of(e.Object))) add(Key.Of(pod)); }))
            .OwnerOf(_claims, "Pod");
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_pods.Find(key) is not { } pod || pod.IsBeingDeleted || pod.Status.Phase is "Succeeded" or "Failed") return Again.OnChange;
        foreach (var volume in pod.Spec.Volumes)
            if (volume.Ephemeral is not null)
                try
                {
                    if (await EnsureAsync(pod, volume, ct)) continue;
                    cluster.Recorder.Event(pod, "Warning", "FailedBinding",
                        $"ephemeral volume {volume.Name}: PVC {new Key(key.Namespace, Claims.NameOf(pod, volume))} was not created for pod {key} (pod is not owner)");
                    return Again.WithBackoff;
                }
                catch (ApiException e)
                {
                    cluster.Recorder.Event(pod, "Warning", "FailedBinding", $"ephemeral volume {volume.Name}: create PVC {Claims.NameOf(pod, volume)}: {e.Message}");
                    if (Refusal.IsNamespaceTerminating(e)) return Again.OnChange;
                    throw;
                }
        return Again.OnChange;
    }

    /// <returns>Whether the claim, if there is one, is the Pod's.</returns>
    async Task<bool> EnsureAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var key = new Key(pod.Metadata.Namespace, Claims.NameOf(pod, volume));
        var there = _claims.Find(key);
        if (there is null)
            try
            {
                await CreateAsync(ClaimFor(pod, volume, key), ct);
                return true;
            }
            catch (ApiException e) when (e.IsAlreadyExists) { there = await cluster.Client.FindAsync<PersistentVolumeClaim>(key, ct); }
        return there is null || there.IsControlledBy(pod);
    }

    async Task CreateAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        bool well = false;
        try
        {
            await cluster.Client.CreateAsync(claim, ct);
            well = true;
        }
        finally { VolumeMeters.Ephemeral(well); }
    }

    public static PersistentVolumeClaim ClaimFor(Pod pod, Volume volume, Key key)
    {
        var template = volume.Ephemeral!.VolumeClaimTemplate!;
        return new()
        {
            Metadata = new()
            {
                Name = key.Name, Namespace = key.Namespace, Labels = template.Metadata.Labels, Annotations = template.Metadata.Annotations,
                OwnerReferences = [pod.ControllerRef()],
            },
            Spec = template.Spec,
        };
    }
}
