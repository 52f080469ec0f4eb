using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>What claims and volumes say of each other: the annotations and fields that make a binding, by upstream's names.</summary>
static class Bond
{
    public const string Storage = "storage";

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
            Metadata = volume.IsFor(claim) ? volume.Metadata : volume.Metadata with { Annotations = volume.Metadata.Annotations.Set(VolumeNotes.BoundByController, "yes") },
            Spec = volume.Spec with { ClaimRef = Reference(claim) },
        };
    }

    /// <summary>The claim as the volume's; the same object when it is that already.</summary>
    public static PersistentVolumeClaim Take(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        var notes = claim.Metadata.Annotations;
        bool chosen = claim.Spec.VolumeName != volume.Metadata.Name;
        if (chosen) notes = notes.Set(VolumeNotes.BoundByController, "yes");
        if (!notes.ContainsKey(VolumeNotes.BindCompleted)) notes = notes.Set(VolumeNotes.BindCompleted, "yes");
        if (!chosen && notes == claim.Metadata.Annotations) return claim;
        return claim with { Metadata = claim.Metadata with { Annotations = notes }, Spec = claim.Spec with { VolumeName = volume.Metadata.Name } };
    }

    /// <summary>The volume without its claim: free again, or, where its administrator set it aside, waiting for a claim of the name.</summary>
    public static PersistentVolume Free(PersistentVolume volume) => volume.Metadata.Annotations.ContainsKey(VolumeNotes.BoundByController)
        ? volume with { Metadata = volume.Metadata with { Annotations = volume.Metadata.Annotations.Remove(VolumeNotes.BoundByController) }, Spec = volume.Spec with { ClaimRef = null } }
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
