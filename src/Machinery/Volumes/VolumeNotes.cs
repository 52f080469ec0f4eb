using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes;

/// <summary>What claims and volumes say in annotations that binder, scheduler, provisioner and kubelet read of each other; the names are upstream's.</summary>
public static class VolumeNotes
{
    public const string BindCompleted = "pv.kubernetes.io/bind-completed", BoundByController = "pv.kubernetes.io/bound-by-controller",
        ProvisionedBy = "pv.kubernetes.io/provisioned-by", SelectedNode = "volume.kubernetes.io/selected-node",
        Provisioner = "volume.kubernetes.io/storage-provisioner", BetaProvisioner = "volume.beta.kubernetes.io/storage-provisioner";

    /// <summary>From before the field <c>storageClassName</c>, and still before it.</summary>
    public const string BetaClass = "volume.beta.kubernetes.io/storage-class";

    /// <summary>The class that the claim asks for; empty for none.</summary>
    public static string ClassOf(PersistentVolumeClaim claim) =>
        claim.Metadata.Annotations.TryGet(BetaClass, out string? name) ? name : claim.Spec.StorageClassName ?? "";

    /// <summary>The class that the volume is of; empty for none.</summary>
    public static string ClassOf(PersistentVolume volume) =>
        volume.Metadata.Annotations.TryGet(BetaClass, out string? name) ? name : volume.Spec.StorageClassName;

    /// <summary>Whether the claim says which class it wants; an empty name says: none.</summary>
    public static bool NamesClass(PersistentVolumeClaim claim) =>
        claim.Metadata.Annotations.ContainsKey(BetaClass) || claim.Spec.StorageClassName is not null;
}
