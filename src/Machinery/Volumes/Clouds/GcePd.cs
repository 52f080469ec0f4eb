using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Google's persistent disks. Volumes of old do not say the project: who attaches knows it by the node.</summary>
sealed class GcePd : ICloudDisk
{
    const string Unknown = "UNSPECIFIED";

    public string OldName => "kubernetes.io/gce-pd";
    public string Driver => "pd.csi.storage.gke.io";
    public string ZoneKey => "topology.gke.io/zone";

    public PersistentVolume? Inline(Volume volume, string ns)
    {
        if (volume.GcePersistentDisk is not { } disk) return null;
        var made = CloudDisks.Made(Driver, disk.PdName, Csi(disk, "zones", Unknown), disk.ReadOnly ? "ReadOnlyMany" : "ReadWriteOnce");
        return made with { Spec = made.Spec with { VolumeMode = "Filesystem" } };
    }

    public CSIPersistentVolumeSource? Source(PersistentVolume volume)
    {
        if (volume.Spec.GcePersistentDisk is not { } disk) return null;
        string label = volume.Metadata.Labels["failure-domain.beta.kubernetes.io/zone"] is { Length: > 0 } beta ? beta : volume.Metadata.Labels["topology.kubernetes.io/zone"] ?? "";
        string[] zones = label.Length == 0 ? [] : label.Split(Zones.Several);
        return zones.Length > 1 ? Csi(disk, "regions", RegionOf(zones)) : Csi(disk, "zones", zones is [var zone] ? zone : Unknown);
    }

    /// <remarks>Of old, modes were not looked at; the driver refuses what it cannot do, so they become what was done.</remarks>
    public PersistentVolumeSpec Without(PersistentVolumeSpec spec) => spec with
    {
        GcePersistentDisk = null,
        AccessModes = spec.AccessModes.IsEmpty ? default : spec.AccessModes.All(m => m == "ReadOnlyMany") ? ["ReadOnlyMany"] : ["ReadWriteOnce"],
    };

    CSIPersistentVolumeSource Csi(GCEPersistentDiskVolumeSource disk, string sort, string place) => new()
    {
        Driver = Driver, VolumeHandle = $"projects/{Unknown}/{sort}/{place}/disks/{disk.PdName}", ReadOnly = disk.ReadOnly, FsType = disk.FsType,
        VolumeAttributes = Map.Of(("partition", disk.Partition == 0 ? "" : disk.Partition.ToString(CultureInfo.InvariantCulture))),
    };

    /// <summary>The handle with project and zone as the node has them, as far as it does not say them itself; others as they are.</summary>
    public static string Repair(string handle, string nodeId)
    {
        string[] at = handle.Split('/'), node = nodeId.Split('/');
        if (at is not ["projects", Unknown, "zones" or "regions", _, "disks", ..] || node is not ["projects", _, "zones", _, ..]) return handle;
        at[1] = node[1];
        if (at[3] == Unknown) at[3] = at[2] == "zones" ? node[3] : RegionOf([node[3]]);
        return string.Join('/', at);
    }

    static string RegionOf(string[] zones)
    {
        string[] regions = [.. zones.Select(z => z.Split('-') is [var place, var region, _] ? $"{place}-{region}"
            : throw new FormatException($"zone in unexpected format, expected: {{locale}}-{{region}}-{{zone}}, got: {z}")).Distinct()];
        return regions is [var one] ? one : throw new FormatException($"failed to get region from zones: multiple or no regions gotten from zones, got: {string.Join(' ', regions)}");
    }
}
