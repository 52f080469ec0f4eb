using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Azure's disks. Where they can be reached from is in the volume as it is: the driver took over the labels of old.</summary>
sealed class AzureDisk : ICloudDisk
{
    public string OldName => "kubernetes.io/azure-disk";
    public string Driver => "disk.csi.azure.com";

    public PersistentVolume? Inline(Volume volume, string ns) => volume.AzureDisk is { } disk ? CloudDisks.Made(Driver, disk.DiskName, Csi(disk)) : null;

    public CSIPersistentVolumeSource? Source(PersistentVolume volume) => volume.Spec.AzureDisk is { } disk ? Csi(disk) : null;

    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with { AzureDisk = null };

    CSIPersistentVolumeSource Csi(AzureDiskVolumeSource disk)
    {
        var attributes = Map.Of(("csi-migration", "true"), ("kind", disk.Kind ?? "Managed"));
        if (disk.CachingMode is { Length: > 0 } caching) attributes = attributes.Set("cachingMode", caching);
        if (disk.FsType is { } type) attributes = attributes.Set("fsType", type);
        return new() { Driver = Driver, VolumeHandle = disk.DiskURI, ReadOnly = disk.ReadOnly == true, FsType = disk.FsType ?? "", VolumeAttributes = attributes };
    }
}
