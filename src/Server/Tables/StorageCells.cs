using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Server.Tables;

/// <summary>Rows of volumes, claims and the classes and drivers behind them.</summary>
static class StorageCells
{
    public static void Write(PersistentVolume volume, IRow row)
    {
        var spec = volume.Spec;
        row.Text(volume.Metadata.Name);
        row.Text(spec.Capacity["storage"].ToString());
        row.Text(CellText.Modes(spec.AccessModes));
        row.Text(spec.PersistentVolumeReclaimPolicy);
        row.Text(volume.Metadata.DeletionTimestamp is null ? volume.Status.Phase : "Terminating");
        row.Text(spec.ClaimRef is { } claim ? claim.Namespace + "/" + claim.Name : "");
        row.Text(VolumeNotes.ClassOf(volume));
        row.Text(spec.VolumeAttributesClassName ?? CellText.Unset);
        row.Text(volume.Status.Reason);
        row.Age(volume.Metadata.CreationTimestamp);
        row.Text(spec.VolumeMode ?? CellText.Unset);
    }

    public static void Write(PersistentVolumeClaim claim, IRow row)
    {
        bool bound = claim.Spec.VolumeName.Length > 0;
        row.Text(claim.Metadata.Name);
        row.Text(claim.Metadata.DeletionTimestamp is null ? claim.Status.Phase : "Terminating");
        row.Text(claim.Spec.VolumeName);
        row.Text(bound ? claim.Status.Capacity["storage"].ToString() : "");
        row.Text(bound ? CellText.Modes(claim.Status.AccessModes) : "");
        row.Text(VolumeNotes.ClassOf(claim));
        row.Text(claim.Spec.VolumeAttributesClassName ?? CellText.Unset);
        row.Age(claim.Metadata.CreationTimestamp);
        row.Text(claim.Spec.VolumeMode ?? CellText.Unset);
    }

    public static void Write(StorageClass kind, IRow row)
    {
        row.Text(Named(kind.Metadata, "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"));
        row.Text(kind.Provisioner);
        row.Text(kind.ReclaimPolicy ?? "Delete");
        row.Text(kind.VolumeBindingMode ?? "Immediate");
        row.Bool(kind.AllowVolumeExpansion ?? false);
        row.Age(kind.Metadata.CreationTimestamp);
    }

    public static void Write(VolumeAttributesClass kind, IRow row)
    {
        row.Text(Named(kind.Metadata, "volumeattributesclass.alpha.kubernetes.io/is-default-class"));
        row.Text(kind.DriverName);
        row.Age(kind.Metadata.CreationTimestamp);
    }

    static string Named(ObjectMeta meta, params ReadOnlySpan<string> marks)
    {
        foreach (string mark in marks) if (meta.Annotations[mark] == "true") return meta.Name + " (default)";
        return meta.Name;
    }

    public static void Write(VolumeAttachment attachment, IRow row)
    {
        row.Text(attachment.Metadata.Name);
        row.Text(attachment.Spec.Attacher);
        row.Text(attachment.Spec.Source.PersistentVolumeName ?? "");
        row.Text(attachment.Spec.NodeName);
        row.Bool(attachment.Status.Attached);
        row.Age(attachment.Metadata.CreationTimestamp);
    }

    public static void Write(CSINode node, IRow row)
    {
        row.Text(node.Metadata.Name);
        row.Number(node.Spec.Drivers.Count);
        row.Age(node.Metadata.CreationTimestamp);
    }

    public static void Write(CSIDriver driver, IRow row)
    {
        var spec = driver.Spec;
        row.Text(driver.Metadata.Name);
        row.Bool(spec.AttachRequired ?? true);
        row.Bool(spec.PodInfoOnMount ?? false);
        row.Bool(spec.StorageCapacity ?? false);
        row.Text(spec.TokenRequests.IsNil ? CellText.Unset : string.Join(',', spec.TokenRequests.Select(t => t.Audience)));
        row.Bool(spec.RequiresRepublish ?? false);
        row.Text(CellText.OrNone(string.Join(',', spec.VolumeLifecycleModes)));
        row.Age(driver.Metadata.CreationTimestamp);
    }
}
