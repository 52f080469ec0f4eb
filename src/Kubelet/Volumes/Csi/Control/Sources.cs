using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>What a new volume is to be filled from: another claim's volume, or a snapshot.</summary>
sealed class Sources(IClusterAccess cluster)
{
    /// <returns>Null for an empty volume.</returns>
    /// <exception cref="NotYetException">The source is not ready, or can never be one; the message says which.</exception>
    public async Task<VolumeContentSource?> OfAsync(PersistentVolumeClaim claim, ControllerSide side, CancellationToken ct)
    {
        var (group, kind, name, ns) = claim.Spec.DataSourceRef is { } wide ? (wide.ApiGroup ?? "", wide.Kind, wide.Name, wide.Namespace ?? claim.Metadata.Namespace)
            : claim.Spec.DataSource is { } source ? (source.ApiGroup ?? "", source.Kind, source.Name, claim.Metadata.Namespace) : ("", "", "", "");
        if (kind.Length == 0) return null;
        if (ns != claim.Metadata.Namespace) throw new NotYetException("data sources in other namespaces are not supported");
        return (group, kind) switch
        {
            ("", "PersistentVolumeClaim") => await CloneAsync(claim, name, side, ct).ConfigureAwait(false),
            (SnapshotKinds.Group, "VolumeSnapshot") => await SnapshotAsync(claim, name, side, ct).ConfigureAwait(false),
            _ => throw new NotYetException($"data source {kind}.{group} \"{name}\": left to its populator"),
        };
    }

    async Task<VolumeContentSource> CloneAsync(PersistentVolumeClaim claim, string name, ControllerSide side, CancellationToken ct)
    {
        if (!side.Does(ControllerCan.CloneVolume)) throw new NotYetException($"error getting handle for DataSource Type PersistentVolumeClaim by Name {name}: driver {side.Name} does not support cloning");
        var source = await cluster.Client.FindAsync<PersistentVolumeClaim>(new(claim.Metadata.Namespace, name), ct).ConfigureAwait(false);
        if (source is not { Status.Phase: "Bound" }) throw new NotYetException($"error getting PVC {name} from api server: the source is not bound");
        if (await cluster.Client.FindAsync<PersistentVolume>(new("", source.Spec.VolumeName), ct).ConfigureAwait(false) is not { Spec.Csi: { } csi } volume || csi.Driver != side.Name)
            throw new NotYetException($"the source PVC {name} is not of driver {side.Name}");
        if ((volume.Spec.VolumeMode ?? "Filesystem") != (claim.Spec.VolumeMode ?? "Filesystem")) throw new NotYetException("the source PVC and destination PVCs have different volume modes");
        var (wanted, has) = (claim.Spec.Resources.Requests["storage"], volume.Spec.Capacity["storage"]);
        if (wanted < has)
            throw new NotYetException("error, new PVC request must be greater than or equal in size to the specified PVC data source, "
                + $"requested {wanted.Value()} but source is {has.Value()}");
        return new() { Volume = new() { VolumeId = csi.VolumeHandle } };
    }

    async Task<VolumeContentSource> SnapshotAsync(PersistentVolumeClaim claim, string name, ControllerSide side, CancellationToken ct)
    {
        Unstructured? snapshot = null, content = null;
        try
        {
            snapshot = await cluster.Client.Dynamic(SnapshotKinds.Snapshots).FindAsync(new(claim.Metadata.Namespace, name), ct).ConfigureAwait(false);
            if (SnapshotKinds.Text(snapshot?["status", "boundVolumeSnapshotContentName"]) is { Length: > 0 } bound)
                content = await cluster.Client.Dynamic(SnapshotKinds.Contents).FindAsync(new("", bound), ct).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.IsNotFound) { } // snapshots are not installed
        if (snapshot is null) throw new NotYetException($"error getting snapshot {name} from api server: volumesnapshots.snapshot.storage.k8s.io \"{name}\" not found");
        if (content is null || !SnapshotKinds.IsTrue(snapshot["status", "readyToUse"])) throw new NotYetException($"snapshot {name} is not Ready");
        if (SnapshotKinds.Text(content["spec", "volumeSnapshotRef", "uid"]) != snapshot.Metadata.Uid) throw new NotYetException($"snapshot {name} is not bound to its content");
        if (SnapshotKinds.Text(content["spec", "driver"]) != side.Name) throw new NotYetException($"snapshot {name} is not of driver {side.Name}");
        if (SnapshotKinds.Number(content["status", "restoreSize"]) is { } least && claim.Spec.Resources.Requests["storage"].Value() < least)
            throw new NotYetException($"requested volume size {claim.Spec.Resources.Requests["storage"].Value()} is less than the size {least} for the source snapshot {name}");
        return new() { Snapshot = new() { SnapshotId = SnapshotKinds.Text(content["status", "snapshotHandle"]) } };
    }
}
