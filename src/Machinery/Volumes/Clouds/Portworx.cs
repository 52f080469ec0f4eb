using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Portworx' disks.</summary>
sealed class Portworx : ICloudDisk
{
    public string OldName => "kubernetes.io/portworx-volume";
    public string Driver => "pxd.portworx.com";

    public PersistentVolume? Inline(Volume volume, string ns) => volume.PortworxVolume is { } disk ? CloudDisks.Made(Driver, disk.VolumeID, Csi(disk)) : null;

    public CSIPersistentVolumeSource? Source(PersistentVolume volume) => volume.Spec.PortworxVolume is { } disk ? Csi(disk) : null;

    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with { PortworxVolume = null };

    CSIPersistentVolumeSource Csi(PortworxVolumeSource disk) => new() { Driver = Driver, VolumeHandle = disk.VolumeID, FsType = disk.FsType, ReadOnly = disk.ReadOnly };
}
