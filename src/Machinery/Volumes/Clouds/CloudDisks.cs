using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Disks of clouds as volumes of their CSI drivers: what scheduler, attach controller, kubelet and attacher all have to agree on.</summary>
public static class CloudDisks
{
    /// <summary>On a CSINode: for which old kinds its kubelet asks the drivers.</summary>
    public const string Note = "storage.alpha.kubernetes.io/migrated-plugins";

    static readonly ICloudDisk[] s_all = [new AwsEbs(), new AzureDisk(), new AzureFile(), new Cinder(), new GcePd(), new Portworx(), new Vsphere()];

    /// <summary>What this kubelet writes there: all of them.</summary>
    public static string Notice { get; } = string.Join(',', s_all.Select(d => d.OldName));

    public static bool IsInline(Volume volume) =>
        volume.AwsElasticBlockStore is not null || volume.AzureDisk is not null || volume.AzureFile is not null
        || volume.Cinder is not null || volume.GcePersistentDisk is not null || volume.PortworxVolume is not null || volume.VsphereVolume is not null;

    /// <summary>A Pod's own volume as a PersistentVolume of a driver; null when it is no disk of a cloud.</summary>
    /// <exception cref="FormatException">It names no disk.</exception>
    public static PersistentVolume? Inline(Volume volume, string ns)
    {
        if (IsInline(volume)) foreach (var kind in s_all) if (kind.Inline(volume, ns) is { } made) return made;
        return null;
    }

    public static bool IsOne(PersistentVolumeSpec spec) =>
        spec.AwsElasticBlockStore is not null || spec.AzureDisk is not null || spec.AzureFile is not null
        || spec.Cinder is not null || spec.GcePersistentDisk is not null || spec.PortworxVolume is not null || spec.VsphereVolume is not null;

    /// <summary>The volume as its driver has it; the volume itself when it is no disk of a cloud.</summary>
    /// <exception cref="FormatException">It names no disk.</exception>
    public static PersistentVolume Translate(PersistentVolume volume)
    {
        if (!IsOne(volume.Spec)) return volume;
        foreach (var kind in s_all)
            if (kind.Source(volume) is { } csi)
            {
                var placed = kind.ZoneKey is { } key ? Zones.Translate(volume, key) : volume;
                return placed with { Spec = kind.Without(placed.Spec) with { Csi = csi } };
            }
        return volume;
    }

    /// <summary>As <see cref="Translate"/>, and the volume itself where it names no disk: for who only looks.</summary>
    public static PersistentVolume TryTranslate(PersistentVolume volume)
    {
        try { return Translate(volume); }
        catch (FormatException) { return volume; }
    }

    /// <summary>What a node is to be asked of the volume: the driver's terms only where the driver is asked.</summary>
    public static PersistentVolume TryTranslate(PersistentVolume volume, CSINode? node) =>
        IsOne(volume.Spec) && OldNameOf(volume) is { } name && node?.Metadata.Annotations[Note]?.Split(',').Contains(name) == true ? TryTranslate(volume) : volume;

    /// <summary>The volume that an attachment is for: the one it names, or the one written inside of it. As the driver has it.</summary>
    public static PersistentVolume? Of(VolumeAttachment attachment, Func<string, PersistentVolume?> find) =>
        attachment.Spec.Source.InlineVolumeSpec is { } spec ? new() { Metadata = new() { Name = attachment.Metadata.Name }, Spec = spec }
        : attachment.Spec.Source.PersistentVolumeName is { Length: > 0 } name && find(name) is { } volume ? TryTranslate(volume) : null;

    /// <summary>What an attacher calls the disk, knowing the node.</summary>
    public static string HandleFor(CSIPersistentVolumeSource csi, string nodeId) => csi.Driver == "pd.csi.storage.gke.io" ? GcePd.Repair(csi.VolumeHandle, nodeId) : csi.VolumeHandle;

    static string? OldNameOf(PersistentVolume volume)
    {
        foreach (var kind in s_all)
            try { if (kind.Source(volume) is not null) return kind.OldName; }
            catch (FormatException) { return kind.OldName; }
        return null;
    }

    internal static PersistentVolume Made(string driver, string disk, CSIPersistentVolumeSource csi, string mode = "ReadWriteOnce") =>
        new() { Metadata = new() { Name = $"{driver}-{disk}" }, Spec = new() { Csi = csi with { Driver = driver }, AccessModes = [mode] } };
}
