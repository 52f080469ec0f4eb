using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>What claims and volumes say of each other: the annotations and fields that make a binding, by upstream's names.</summary>
static class Bond
{
    public const string Completed = "pv.kubernetes.io/bind-completed", ByController = "pv.kubernetes.io/bound-by-controller",
        ProvisionedBy = "pv.kubernetes.io/provisioned-by", SelectedNode = "volume.kubernetes.io/selected-node",
        Provisioner = "volume.kubernetes.io/storage-provisioner", BetaProvisioner = "volume.beta.kubernetes.io/storage-provisioner",
        BetaClass = "volume.beta.kubernetes.io/storage-class";

    public const string Storage = "storage";

    public static string ClassOf(PersistentVolumeClaim claim) =>
        claim.Metadata.Annotations.TryGet(BetaClass, out string? name) ? name : claim.Spec.StorageClassName ?? "";

    public static string ClassOf(PersistentVolume volume) =>
        volume.Metadata.Annotations.TryGet(BetaClass, out string? name) ? name : volume.Spec.StorageClassName;

    /// <summary>Whether the claim says which class it wants; an empty name says: none.</summary>
    public static bool NamesClass(PersistentVolumeClaim claim) =>
        claim.Metadata.Annotations.ContainsKey(BetaClass) || claim.Spec.StorageClassName is not null;

    public static Quantity Asked(PersistentVolumeClaim claim) => claim.Spec.Resources.Requests[Storage];

    public static string ModeOf(string? volumeMode) => string.IsNullOrEmpty(volumeMode) ? "Filesystem" : volumeMode;

    public static bool ModesDiffer(PersistentVolumeClaim claim, PersistentVolume volume) => ModeOf(claim.Spec.VolumeMode) != ModeOf(volume.Spec.VolumeMode);

    /// <summary>Whether the volume is the claim's, or was set aside for one of its name.</summary>
    public static bool IsFor(this PersistentVolume volume, PersistentVolumeClaim claim) =>
        volume.Spec.ClaimRef is { } has && has.Name == claim.Metadata.Name && has.Namespace == claim.Metadata.Namespace
        && (has.Uid.Length == 0 || has.Uid == claim.Metadata.Uid);

    public static Key? ClaimOf(PersistentVolume volume) => volume.Spec.ClaimRef is { } claim ? new(claim.Namespace, claim.Name) : null;

    public static ObjectReference Reference(PersistentVolumeClaim claim) => new()
    {
        Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = claim.Metadata.Namespace, Name = claim.Metadata.Name,
        Uid = claim.Metadata.Uid, ResourceVersion = claim.Metadata.ResourceVersion,
    };

    /// <summary>The volume as the claim's; the same object when it is that already.</summary>
    public static PersistentVolume Give(PersistentVolume volume, PersistentVolumeClaim claim)
    {
        if (volume.Spec.ClaimRef is { } has && has.Uid == claim.Metadata.Uid && volume.IsFor(claim)) return volume;
        return volume with
        {
            // One that its administrator set aside is not given back to everybody when the claim is gone.
            Metadata = volume.IsFor(claim) ? volume.Metadata : volume.Metadata with { Annotations = volume.Metadata.Annotations.Set(ByController, "yes") },
            Spec = volume.Spec with { ClaimRef = Reference(claim) },
        };
    }

    /// <summary>The claim as the volume's; the same object when it is that already.</summary>
    public static PersistentVolumeClaim Take(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        var notes = claim.Metadata.Annotations;
        bool chosen = claim.Spec.VolumeName != volume.Metadata.Name;
        if (chosen) notes = notes.Set(ByController, "yes");
        if (!notes.ContainsKey(Completed)) notes = notes.Set(Completed, "yes");
        if (!chosen && notes == claim.Metadata.Annotations) return claim;
        return claim with { Metadata = claim.Metadata with { Annotations = notes }, Spec = claim.Spec with { VolumeName = volume.Metadata.Name } };
    }

    /// <summary>The volume without its claim: free again, or, where its administrator set it aside, waiting for a claim of the name.</summary>
    public static PersistentVolume Free(PersistentVolume volume) => volume.Metadata.Annotations.ContainsKey(ByController)
        ? volume with { Metadata = volume.Metadata with { Annotations = volume.Metadata.Annotations.Remove(ByController) }, Spec = volume.Spec with { ClaimRef = null } }
        : volume with { Spec = volume.Spec with { ClaimRef = volume.Spec.ClaimRef! with { Uid = "", ResourceVersion = "" } } };

    /// <summary>The claim's status in a phase; what is known of its volume is taken over when it becomes bound, and never after: it may grow apart.</summary>
    public static PersistentVolumeClaim InPhase(PersistentVolumeClaim claim, string phase, PersistentVolume? volume)
    {
        var status = claim.Status with { Phase = phase };
        if (volume is null) status = status with { AccessModes = default, Capacity = default };
        else
        {
            status = status with { AccessModes = volume.Spec.AccessModes };
            if (claim.Status.Phase != phase) status = status with { Capacity = volume.Spec.Capacity, CurrentVolumeAttributesClassName = volume.Spec.VolumeAttributesClassName };
        }
        return claim with { Status = status };
    }
}
