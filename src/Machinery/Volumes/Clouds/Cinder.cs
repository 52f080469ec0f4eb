using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>OpenStack's disks.</summary>
sealed class Cinder : ICloudDisk
{
    public string OldName => "kubernetes.io/cinder";
    public string Driver => "cinder.csi.openstack.org";
    public string ZoneKey => "topology.cinder.csi.openstack.org/zone";

    public PersistentVolume? Inline(Volume volume, string ns) => volume.Cinder is { } disk ? CloudDisks.Made(Driver, disk.VolumeID, Csi(disk.VolumeID, disk.FsType, disk.ReadOnly)) : null;

    public CSIPersistentVolumeSource? Source(PersistentVolume volume) => volume.Spec.Cinder is { } disk ? Csi(disk.VolumeID, disk.FsType, disk.ReadOnly) : null;

    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with { Cinder = null };

    CSIPersistentVolumeSource Csi(string id, string fsType, bool readOnly) => new() { Driver = Driver, VolumeHandle = id, FsType = fsType, ReadOnly = readOnly };
}
