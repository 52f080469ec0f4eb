using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Registry.Warnings;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Volumes of the cluster: they begin as pending, and say since when they are in a phase.</summary>
public sealed class VolumeStrategy() : Strategy(PersistentVolume.Info)
{
    public override IObject PrepareForCreate(IObject obj, WriteContext context) =>
        (PersistentVolume)base.PrepareForCreate(obj, context) with { Status = new() { Phase = "Pending", LastPhaseTransitionTime = context.Now } };

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (volume, was) = ((PersistentVolume)base.PrepareForUpdate(obj, old, context), (PersistentVolume)old);
        return context.Subresource == "status" && volume.Status.Phase != was.Status.Phase && volume.Status.LastPhaseTransitionTime == was.Status.LastPhaseTransitionTime
            ? volume with { Status = volume.Status with { LastPhaseTransitionTime = context.Now } } : volume;
    }

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => VolumeWarnings.Of((PersistentVolume)obj);
}

/// <summary>Claims to volumes: pending at first; what they are filled from is said in two fields that agree.</summary>
public sealed class ClaimStrategy() : Strategy(PersistentVolumeClaim.Info)
{
    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var claim = (PersistentVolumeClaim)base.PrepareForCreate(obj, context);
        return claim with { Spec = Agreed(claim.Spec), Status = new() { Phase = "Pending" } };
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var claim = (PersistentVolumeClaim)base.PrepareForUpdate(obj, old, context);
        return context.Subresource.Length == 0 ? claim with { Spec = Agreed(claim.Spec) } : claim;
    }

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => VolumeWarnings.Of((PersistentVolumeClaim)obj);

    /// <summary>KEP-1495: the older field takes claims and snapshots only, and is dropped when it names anything else.</summary>
    static PersistentVolumeClaimSpec Agreed(PersistentVolumeClaimSpec s)
    {
        if (s.DataSource is { } source && !(source is { Kind: "PersistentVolumeClaim" } && string.IsNullOrEmpty(source.ApiGroup) || source is { Kind: "VolumeSnapshot", ApiGroup: "snapshot.storage.k8s.io" }))
            s = s with { DataSource = null };
        if (s is { DataSource: { } only, DataSourceRef: null }) return s with { DataSourceRef = new() { ApiGroup = only.ApiGroup, Kind = only.Kind, Name = only.Name } };
        return s is { DataSource: null, DataSourceRef: { Namespace: null or "" } any }
            && (any is { Kind: "PersistentVolumeClaim" } && string.IsNullOrEmpty(any.ApiGroup) || any is { Kind: "VolumeSnapshot", ApiGroup: "snapshot.storage.k8s.io" })
            ? s with { DataSource = new() { ApiGroup = any.ApiGroup, Kind = any.Kind, Name = any.Name } } : s;
    }
}
