using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>A kind of disk that Kubernetes once mounted itself, and that its CSI driver mounts now; objects still name it the old way (KEP-625).</summary>
interface ICloudDisk
{
    /// <summary>As classes and CSINodes call it: <c>kubernetes.io/aws-ebs</c>.</summary>
    string OldName { get; }
    string Driver { get; }
    /// <summary>The label of nodes by which the driver tells zones apart; null for drivers that have none.</summary>
    string? ZoneKey => null;

    /// <summary>A Pod's own volume as a PersistentVolume of the driver, whose name is the disk's; null when it is of another kind.</summary>
    /// <exception cref="FormatException">It names no disk.</exception>
    PersistentVolume? Inline(Volume volume, string ns);

    /// <summary>What the driver calls a PersistentVolume of this kind; null for other kinds.</summary>
    /// <exception cref="FormatException">It names no disk.</exception>
    CSIPersistentVolumeSource? Source(PersistentVolume volume);

    /// <summary>The same without what it was called before.</summary>
    PersistentVolumeSpec Without(PersistentVolumeSpec spec);
}
