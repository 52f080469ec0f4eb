using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of volumes, claims and drivers.</summary>
static class StorageDefaults
{
    public static PersistentVolume Volume(PersistentVolume o) => o with
    {
        Spec = Source(o.Spec) with { PersistentVolumeReclaimPolicy = o.Spec.PersistentVolumeReclaimPolicy.Or("Retain"), VolumeMode = o.Spec.VolumeMode ?? "Filesystem" },
        Status = o.Status with { Phase = o.Status.Phase.Or("Pending") },
    };

    /// <summary>What a volume is made of: the in-tree sources that upstream has defaults for.</summary>
    static PersistentVolumeSpec Source(PersistentVolumeSpec s) => s with
    {
        HostPath = s.HostPath is { Type: null } host ? host with { Type = "" } : s.HostPath,
        Iscsi = s.Iscsi is { IscsiInterface.Length: 0 } iscsi ? iscsi with { IscsiInterface = "default" } : s.Iscsi,
        Rbd = s.Rbd is { } rbd ? rbd with { Pool = rbd.Pool.Or("rbd"), User = rbd.User.Or("admin"), Keyring = rbd.Keyring.Or("/etc/ceph/keyring") } : null,
        AzureDisk = s.AzureDisk is { } disk
            ? disk with { CachingMode = disk.CachingMode ?? "ReadWrite", FsType = disk.FsType ?? "ext4", ReadOnly = disk.ReadOnly ?? false, Kind = disk.Kind ?? "Shared" } : null,
        ScaleIO = s.ScaleIO is { } scale ? scale with { StorageMode = scale.StorageMode.Or("ThinProvisioned"), FsType = scale.FsType.Or("xfs") } : null,
    };

    public static VolumeAttachment Attachment(VolumeAttachment o) =>
        o.Spec.Source.InlineVolumeSpec is { } inline ? o with { Spec = o.Spec with { Source = o.Spec.Source with { InlineVolumeSpec = Source(inline) } } } : o;

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
