using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>Keeps volumes that are deleted until no claim is bound to them.</summary>
sealed class Protect(IClusterAccess cluster) : IReconciler
{
    public const string Finalizer = "kubernetes.io/pv-protection";

    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();

    public void Watch(Triggers on) => on.Each(_volumes);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_volumes.Find(key) is not { } volume) return Again.OnChange;
        bool has = volume.Metadata.Finalizers.Contains(Finalizer), goes = volume.Metadata.DeletionTimestamp is not null;
        if (goes && has && volume.Status.Phase != "Bound")
            await cluster.Client.UpdateAsync(volume with { Metadata = volume.Metadata with { Finalizers = volume.Metadata.Finalizers.Where(f => f != Finalizer).ToSeq() } }, ct);
        else if (!goes && !has) // made before there was admission for that
            await cluster.Client.UpdateAsync(volume with { Metadata = volume.Metadata with { Finalizers = volume.Metadata.Finalizers.Add(Finalizer) } }, ct);
        return Again.OnChange;
    }
}
