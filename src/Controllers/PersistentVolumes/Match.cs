using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>Finds the volume that fits a claim best: no client, no clock.</summary>
static class Match
{
    /// <summary>The volume set aside for the claim, or the smallest that has all it asks for; of volumes with fewer access modes first, as upstream.</summary>
    /// <param name="delayed">The claim waits for its Pod: only what is set aside for it counts.</param>
    public static PersistentVolume? Best(PersistentVolumeClaim claim, IEnumerable<PersistentVolume> volumes, bool delayed)
    {
        var wanted = claim.Spec.Selector is { } labels ? labels.ToSelector() : Selector.Everything;
        string @class = VolumeNotes.ClassOf(claim);
        var asked = Bond.Asked(claim);
        PersistentVolume? best = null;
        foreach (var volume in volumes)
        {
            if (volume.Metadata.DeletionTimestamp is not null || Bond.ModesDiffer(claim, volume) || !Allows(claim, volume) || volume.Spec.Capacity[Bond.Storage] < asked || !SameAttributes(claim, volume)) continue;
            if (volume.Spec.ClaimRef is not null)
            {
                if (volume.IsFor(claim)) return volume;
                continue;
            }
            if (delayed || volume.Status.Phase != "Available" || VolumeNotes.ClassOf(volume) != @class || !wanted.Matches(volume.Metadata.Labels)) continue;
            if (best is null || Compare(volume, best) < 0) best = volume;
        }
        return best;
    }

    static int Compare(PersistentVolume a, PersistentVolume b)
    {
        int order = a.Spec.AccessModes.Count.CompareTo(b.Spec.AccessModes.Count);
        if (order == 0) order = a.Spec.Capacity[Bond.Storage].CompareTo(b.Spec.Capacity[Bond.Storage]);
        return order != 0 ? order : string.CompareOrdinal(a.Metadata.Name, b.Metadata.Name);
    }

    /// <summary>Why a claim cannot have the volume that it names; null when it can.</summary>
    public static string? Unfit(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        if (volume.Spec.Capacity[Bond.Storage] < Bond.Asked(claim)) return "requested PV is too small";
        if (VolumeNotes.ClassOf(claim) != VolumeNotes.ClassOf(volume)) return "storageClassName does not match";
        if (!SameAttributes(claim, volume)) return "volumeAttributesClassName does not match";
        if (Bond.ModesDiffer(claim, volume)) return "incompatible volumeMode";
        return Allows(claim, volume) ? null : "incompatible accessMode";
    }

    static bool SameAttributes(PersistentVolumeClaim claim, PersistentVolume volume) =>
        (claim.Spec.VolumeAttributesClassName ?? "") == (volume.Spec.VolumeAttributesClassName ?? "");

    static bool Allows(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        foreach (string mode in claim.Spec.AccessModes) if (!volume.Spec.AccessModes.Contains(mode)) return false;
        return true;
    }
}
