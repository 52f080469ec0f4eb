using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of a Pod's volumes.</summary>
static class VolumeDefaults
{
    const int FileMode = 0x1A4; // 0644

    public static Volume Volume(Volume v)
    {
        if (v == new Volume { Name = v.Name }) return v with { EmptyDir = EmptyDirVolumeSource.Empty };
        if (v.Secret is { DefaultMode: null } secret) return v with { Secret = secret with { DefaultMode = FileMode } };
        if (v.ConfigMap is { DefaultMode: null } config) return v with { ConfigMap = config with { DefaultMode = FileMode } };
        if (v.DownwardAPI is { } downward)
            return v with { DownwardAPI = downward with { DefaultMode = downward.DefaultMode ?? FileMode, Items = downward.Items.Each(File) } };
        if (v.Projected is { } projected)
            return v with { Projected = projected with { DefaultMode = projected.DefaultMode ?? FileMode, Sources = projected.Sources.Each(Source) } };
        if (v.HostPath is { Type: null } host) return v with { HostPath = host with { Type = "" } };
        if (v.Iscsi is { IscsiInterface.Length: 0 } iscsi) return v with { Iscsi = iscsi with { IscsiInterface = "default" } };
        if (v.Image is { PullPolicy.Length: 0, Reference.Length: > 0 } image) return v with { Image = image with { PullPolicy = PodDefaults.PullPolicy(image.Reference) } };
        if (v.Ephemeral?.VolumeClaimTemplate is { Spec.VolumeMode: null } claim)
            return v with { Ephemeral = v.Ephemeral with { VolumeClaimTemplate = claim with { Spec = claim.Spec with { VolumeMode = "Filesystem" } } } };
        if (v.Rbd is { } rbd)
            return v with { Rbd = rbd with { Pool = rbd.Pool.Or("rbd"), User = rbd.User.Or("admin"), Keyring = rbd.Keyring.Or("/etc/ceph/keyring") } };
        if (v.AzureDisk is { } disk)
            return v with { AzureDisk = disk with { CachingMode = disk.CachingMode ?? "ReadWrite", FsType = disk.FsType ?? "ext4", ReadOnly = disk.ReadOnly ?? false, Kind = disk.Kind ?? "Shared" } };
        if (v.ScaleIO is { } scale)
            return v with { ScaleIO = scale with { StorageMode = scale.StorageMode.Or("ThinProvisioned"), FsType = scale.FsType.Or("xfs") } };
        return v;
    }

    static DownwardAPIVolumeFile File(DownwardAPIVolumeFile file) =>
        file.FieldRef is { ApiVersion.Length: 0 } field ? file with { FieldRef = field with { ApiVersion = "v1" } } : file;

    static VolumeProjection Source(VolumeProjection source) => source with
    {
        DownwardAPI = source.DownwardAPI is { } d ? d with { Items = d.Items.Each(File) } : null,
        ServiceAccountToken = source.ServiceAccountToken is { ExpirationSeconds: null } token ? token with { ExpirationSeconds = 3600 } : source.ServiceAccountToken,
    };
}
