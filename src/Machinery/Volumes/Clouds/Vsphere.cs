using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>VMware's disks.</summary>
sealed class Vsphere : ICloudDisk
{
    public string OldName => "kubernetes.io/vsphere-volume";
    public string Driver => "csi.vsphere.vmware.com";

    public PersistentVolume? Inline(Volume volume, string ns) => volume.VsphereVolume is { } disk ? CloudDisks.Made(Driver, disk.VolumePath, Csi(disk)) : null;

    public CSIPersistentVolumeSource? Source(PersistentVolume volume) => volume.Spec.VsphereVolume is { } disk ? Csi(disk) : null;

    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with { VsphereVolume = null };

    CSIPersistentVolumeSource Csi(VsphereVirtualDiskVolumeSource disk) => new()
    {
        Driver = Driver, VolumeHandle = disk.VolumePath, FsType = disk.FsType, VolumeAttributes = disk.StoragePolicyName.Length > 0 ? Map.Of(("storagepolicyname", disk.StoragePolicyName)) : default,
    };
}
