using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Warnings;

/// <summary>What volumes and claims say in ways that have been given up.</summary>
static class VolumeWarnings
{
    const string OldClass = "volume.beta.kubernetes.io/storage-class", OldOptions = "volume.beta.kubernetes.io/mount-options";
    const string ClassInstead = "deprecated since v1.8; use \"storageClassName\" attribute instead", OptionsInstead = "deprecated since v1.31; use \"mountOptions\" attribute instead";

    public static IReadOnlyList<string> Of(PersistentVolume volume)
    {
        var (at, spec, annotations) = (FieldPath.Spec, volume.Spec, volume.Metadata.Annotations);
        var warnings = new List<string>();
        if (annotations.ContainsKey(OldClass)) warnings.Add($"metadata.annotations[{OldClass}]: {ClassInstead}");
        if (annotations.ContainsKey(OldOptions)) warnings.Add($"metadata.annotations[{OldOptions}]: {OptionsInstead}");
        if (spec.PersistentVolumeReclaimPolicy == "Recycle")
            warnings.Add("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.");
        var terms = spec.NodeAffinity?.Required?.NodeSelectorTerms ?? default;
        for (int i = 0; i < terms.Count; i++) warnings.AddRange(NodeLabelWarnings.OfTerm(at["nodeAffinity"]["required"]["nodeSelectorTerms"][i], terms[i]));
        foreach (var (there, field, since) in (ReadOnlySpan<(bool, string, string)>)
        [
            (spec.Cephfs is not null, "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
            (spec.PhotonPersistentDisk is not null, "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
            (spec.ScaleIO is not null, "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
            (spec.Storageos is not null, "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
            (spec.Glusterfs is not null, "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
            (spec.Rbd is not null, "rbd", "deprecated in v1.28, non-functional in v1.31+"),
        ])
            if (there) warnings.Add($"{at[field]}: {since}");
        return warnings;
    }

    public static IReadOnlyList<string> Of(PersistentVolumeClaim claim)
    {
        var warnings = new List<string>();
        if (claim.Metadata.Annotations.ContainsKey(OldClass)) warnings.Add($"metadata.annotations[{OldClass}]: {ClassInstead}");
        warnings.AddRange(Of(FieldPath.Spec, claim.Spec));
        return warnings;
    }

    public static IEnumerable<string> Of(FieldPath at, PersistentVolumeClaimSpec spec)
    {
        if (spec.Resources.Requests.TryGet("storage", out var size) && size.RoundUp(0) != size)
            yield return $"{at["resources"]["requests"].Key("storage")}: fractional byte value \"{size}\" is invalid, must be an integer";
    }
}
