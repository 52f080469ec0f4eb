using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.PersistentVolumes;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Controllers.PersistentVolumeClaims;

/// <summary>Tells who waits for a larger volume that its growth is up to whoever made it.</summary>
/// <remarks>Nothing grows here: upstream's own volume kinds that could are gone to CSI, and our local volumes are grown by their provisioner.</remarks>
sealed class Expand(IClusterAccess cluster) : IReconciler
{
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();

    public void Watch(Triggers on) =>
        on.When(_claims, e => e.New is { } now && (e.Old is null || Bond.Asked(e.Old) < Bond.Asked(now)));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_claims.Find(key) is not { Status.Phase: "Bound" } claim || Bond.Asked(claim) <= claim.Status.Capacity[Bond.Storage]) return Again.OnChange;
        // A cache of volumes may show less than that of claims, and nothing would bring this one here again.
        if (await cluster.Client.FindAsync<PersistentVolume>(new("", claim.Spec.VolumeName), ct) is not { } volume
            || volume.Spec.ClaimRef?.Uid != claim.Metadata.Uid || Bond.Asked(claim) <= volume.Spec.Capacity[Bond.Storage]) return Again.OnChange;
        // As upstream: a warning where no one is known who could.
        bool known = volume.Spec.Csi is not null || volume.Metadata.Annotations.ContainsKey(VolumeNotes.ProvisionedBy);
        cluster.Recorder.Event(claim, known ? "Normal" : "Warning", "ExternalExpanding", "waiting for an external controller to expand this PVC");
        return Again.OnChange;
    }
}
