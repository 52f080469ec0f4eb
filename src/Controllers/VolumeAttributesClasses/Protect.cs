using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.VolumeAttributesClasses;

/// <summary>Keeps classes of volume attributes that are deleted until no claim and no volume has, had or wants them (KEP-3751).</summary>
sealed class Protect(IClusterAccess cluster) : IReconciler
{
    public const string Finalizer = "kubernetes.io/vac-protection";

    readonly ICache<VolumeAttributesClass> _classes = cluster.Cache<VolumeAttributesClass>();
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();

    // What a claim or a volume names no longer may go.
    public void Watch(Triggers on) => on.Each(_classes).Map(_claims, c => Names(c).Select(KeyOf)).Map(_volumes, v => Names(v).Select(KeyOf));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_classes.Find(key) is not { } named) return Again.OnChange;
        bool has = named.Metadata.Finalizers.Contains(Finalizer), goes = named.Metadata.DeletionTimestamp is not null;
        if (goes && has)
        {
            if (_claims.All.Any(c => Names(c).Contains(key.Name)) || _volumes.All.Any(v => Names(v).Contains(key.Name))) return Again.OnChange;
            // A claim or a volume may have come behind the caches' back.
            await foreach (var claim in cluster.Client.EachAsync<PersistentVolumeClaim>(new(), ct))
                if (Names(claim).Contains(key.Name)) return Again.WithBackoff;
            await foreach (var volume in cluster.Client.EachAsync<PersistentVolume>(new(), ct))
                if (Names(volume).Contains(key.Name)) return Again.WithBackoff;
            await cluster.Client.UpdateAsync(named with { Metadata = named.Metadata with { Finalizers = named.Metadata.Finalizers.Where(f => f != Finalizer).ToSeq() } }, ct);
        }
        else if (!goes && !has) // made before there was admission for that
            await cluster.Client.UpdateAsync(named with { Metadata = named.Metadata with { Finalizers = named.Metadata.Finalizers.Add(Finalizer) } }, ct);
        return Again.OnChange;
    }

    static Key KeyOf(string name) => new("", name);

    static IEnumerable<string> Names(PersistentVolumeClaim claim)
    {
        if (claim.Spec.VolumeAttributesClassName is { Length: > 0 } wanted) yield return wanted;
        if (claim.Status.CurrentVolumeAttributesClassName is { Length: > 0 } current) yield return current;
        if (claim.Status.ModifyVolumeStatus?.TargetVolumeAttributesClassName is { Length: > 0 } target) yield return target;
    }

    static IEnumerable<string> Names(PersistentVolume volume)
    {
        if (volume.Spec.VolumeAttributesClassName is { Length: > 0 } name) yield return name;
    }
}
