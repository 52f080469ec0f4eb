using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of volumes, claims and drivers.</summary>
static class StorageDefaults
{
    public static PersistentVolume Volume(PersistentVolume o) => o with
    {
        Spec = o.Spec with
        {
            PersistentVolumeReclaimPolicy = o.Spec.PersistentVolumeReclaimPolicy.Or("Retain"),
            VolumeMode = o.Spec.VolumeMode ?? "Filesystem",
            HostPath = o.Spec.HostPath is { Type: null } host ? host with { Type = "" } : o.Spec.HostPath,
        },
        Status = o.Status with { Phase = o.Status.Phase.Or("Pending") },
    };

    public static PersistentVolumeClaim Claim(PersistentVolumeClaim o) => o with
    {
        Spec = o.Spec with { VolumeMode = o.Spec.VolumeMode ?? "Filesystem" },
        Status = o.Status with { Phase = o.Status.Phase.Or("Pending") },
    };

    public static CSIDriver Driver(CSIDriver o) => o with
    {
        Spec = o.Spec with
        {
            AttachRequired = o.Spec.AttachRequired ?? true,
            PodInfoOnMount = o.Spec.PodInfoOnMount ?? false,
            StorageCapacity = o.Spec.StorageCapacity ?? false,
            FsGroupPolicy = o.Spec.FsGroupPolicy ?? "ReadWriteOnceWithFSType",
            VolumeLifecycleModes = o.Spec.VolumeLifecycleModes.IsEmpty ? ["Persistent"] : o.Spec.VolumeLifecycleModes,
            RequiresRepublish = o.Spec.RequiresRepublish ?? false,
            SeLinuxMount = o.Spec.SeLinuxMount ?? false,
        },
    };
}
