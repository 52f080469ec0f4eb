using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>A Pod's volumes and how containers mount them.</summary>
static class VolumeRules
{
    public static void Volumes(FieldPath at, Seq<Volume> volumes, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < volumes.Count; i++)
        {
            var (here, volume) = (at[i], volumes[i]);
            int before = errors.Count;
            if (volume.Name.Length == 0) errors.Required(here["name"]);
            else errors.Invalid(here["name"], volume.Name, Names.Label(volume.Name));
            if (errors.Count == before && !names.Add(volume.Name)) errors.Duplicate(here["name"], volume.Name);
            Source(here, volume, errors);
        }
    }

    static void Source(FieldPath at, Volume v, Errors errors)
    {
        int count = 0;
        foreach (var (name, source) in Sources(v))
            if (source is not null && count++ > 0) errors.Forbidden(at[name], "may not specify more than 1 volume type");
        if (count == 0) errors.Required(at, "must specify a volume type");
        if (v.EmptyDir is { SizeLimit: { } limit }) errors.NotNegative(at["emptyDir"]["sizeLimit"], limit);
        if (v.HostPath is { } host)
        {
            if (host.Path.Length == 0) errors.Required(at["hostPath"]["path"]);
            else NoBacksteps(at["hostPath"]["path"], host.Path, errors);
            errors.OneOf(at["hostPath"]["type"], host.Type ?? "", "", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice");
        }
        if (v.Secret is { } secret)
        {
            if (secret.SecretName.Length == 0) errors.Required(at["secret"]["secretName"]);
            Mode(at["secret"]["defaultMode"], secret.DefaultMode, errors);
            Items(at["secret"]["items"], secret.Items, errors);
        }
        if (v.ConfigMap is { } map)
        {
            if (map.Name.Length == 0) errors.Required(at["configMap"]["name"]);
            Mode(at["configMap"]["defaultMode"], map.DefaultMode, errors);
            Items(at["configMap"]["items"], map.Items, errors);
        }
        if (v.PersistentVolumeClaim is { ClaimName.Length: 0 }) errors.Required(at["persistentVolumeClaim"]["claimName"]);
        if (v.Nfs is { } nfs)
        {
            if (nfs.Server.Length == 0) errors.Required(at["nfs"]["server"]);
            if (nfs.Path.Length == 0) errors.Required(at["nfs"]["path"]);
            else if (nfs.Path[0] != '/') errors.Invalid(at["nfs"]["path"], nfs.Path, "must be an absolute path");
        }
        if (v.Csi is { Driver.Length: 0 }) errors.Required(at["csi"]["driver"]);
        if (v.Projected is { } projected) Projected(at["projected"], projected, errors);
    }

    static void Projected(FieldPath at, ProjectedVolumeSource projected, Errors errors)
    {
        Mode(at["defaultMode"], projected.DefaultMode, errors);
        for (int i = 0; i < projected.Sources.Count; i++)
        {
            var (here, source) = (at["sources"][i], projected.Sources[i]);
            int count = 0;
            foreach (var (name, part) in (ReadOnlySpan<(string, object?)>)[("secret", source.Secret), ("configMap", source.ConfigMap), ("downwardAPI", source.DownwardAPI),
                ("serviceAccountToken", source.ServiceAccountToken), ("clusterTrustBundle", source.ClusterTrustBundle), ("podCertificate", source.PodCertificate)])
                if (part is not null && count++ > 0) errors.Forbidden(here[name], "may not specify more than 1 volume type per source");
            if (count == 0) errors.Required(here, "must specify a volume source");
            if (source.Secret is { Name.Length: 0 }) errors.Required(here["secret"]["name"]);
            if (source.ConfigMap is { Name.Length: 0 }) errors.Required(here["configMap"]["name"]);
            if (source.ClusterTrustBundle is { } bundle) TrustBundle(here["clusterTrustBundle"], bundle, errors);
            if (source.PodCertificate is { } certificate) PodCertificate(here["podCertificate"], certificate, errors);
            if (source.ServiceAccountToken is not { } token) continue;
            if (token.ExpirationSeconds < 600) errors.Invalid(here["serviceAccountToken"]["expirationSeconds"], token.ExpirationSeconds.Value, "may not specify a duration less than 10 minutes");
            if (token.Path.Length == 0) errors.Required(here["serviceAccountToken"]["path"]);
        }
    }

    /// <summary>By its name, or by its signer and labels.</summary>
    static void TrustBundle(FieldPath at, ClusterTrustBundleProjection bundle, Errors errors)
    {
        bool named = bundle.Name is not null, signed = bundle.SignerName is not null;
        if (named == signed && named) errors.Invalid(at, "", "only one of name and signerName may be used");
        else if (!named && !signed) errors.Required(at, "either name or signerName must be specified");
        else if (named && bundle.Name!.Length == 0) errors.Required(at["name"], "must be a valid object name");
        else if (named && bundle.LabelSelector is not null) errors.Invalid(at["labelSelector"], "", "labelSelector must be unset if name is specified");
        else if (signed) SigningRules.Signer(at["signerName"], bundle.SignerName!, errors);
        if (bundle.Path.Length == 0) errors.Required(at["path"]);
        else RelativePath(at["path"], bundle.Path, errors);
    }

    /// <summary>A kind of key, a lifetime that a signer may give, and somewhere to write to.</summary>
    static void PodCertificate(FieldPath at, PodCertificateProjection certificate, Errors errors)
    {
        SigningRules.Signer(at["signerName"], certificate.SignerName, errors);
        errors.OneOf(at["keyType"], certificate.KeyType, "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072", "RSA4096");
        if (certificate.MaxExpirationSeconds is { } seconds) PodCertificateRules.Lifetime(at["maxExpirationSeconds"], certificate.SignerName, seconds, errors);
        var paths = new HashSet<string>();
        foreach (var (name, path) in (ReadOnlySpan<(string, string)>)[("credentialBundlePath", certificate.CredentialBundlePath), ("keyPath", certificate.KeyPath), ("certificateChainPath", certificate.CertificateChainPath)])
        {
            if (path.Length == 0) continue;
            RelativePath(at[name], path, errors);
            if (!paths.Add(path)) errors.Invalid(at[name], path, "conflicting duplicate paths");
        }
        if (paths.Count == 0) errors.Required(at, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
        PodCertificateRules.UserAnnotations(at["userAnnotations"], certificate.UserAnnotations, errors);
    }

    static void Items(FieldPath at, Seq<KeyToPath> items, Errors errors)
    {
        for (int i = 0; i < items.Count; i++)
        {
            var (here, item) = (at[i], items[i]);
            if (item.Key.Length == 0) errors.Required(here["key"]);
            if (item.Path.Length == 0) errors.Required(here["path"]);
            RelativePath(here["path"], item.Path, errors);
            Mode(here["mode"], item.Mode, errors);
        }
    }

    static void Mode(FieldPath at, int? mode, Errors errors)
    {
        if (mode is (< 0 or > 0x1FF) and { } bits) errors.Invalid(at, bits, "must be a number between 0 and 0777 (octal), both inclusive");
    }

    public static void RelativePath(FieldPath at, string path, Errors errors)
    {
        if (path.StartsWith('/')) errors.Invalid(at, path, "must be a relative path");
        NoBacksteps(at, path, errors);
    }

    static void NoBacksteps(FieldPath at, string path, Errors errors)
    {
        foreach (var part in path.AsSpan().Split('/'))
            if (path.AsSpan(part) is "..") { errors.Invalid(at, path, "must not contain '..'"); return; }
    }

    public static void Mounts(FieldPath at, Container c, Seq<Volume> volumes, Errors errors)
    {
        var paths = new HashSet<string>();
        for (int i = 0; i < c.VolumeMounts.Count; i++)
        {
            var (here, mount) = (at["volumeMounts"][i], c.VolumeMounts[i]);
            if (mount.Name.Length == 0) errors.Required(here["name"]);
            if (!volumes.Exists(v => v.Name == mount.Name)) errors.NotFound(here["name"], mount.Name);
            if (mount.MountPath.Length == 0) errors.Required(here["mountPath"]);
            if (!paths.Add(mount.MountPath)) errors.Invalid(here["mountPath"], mount.MountPath, "must be unique");
            if (c.VolumeDevices.Exists(d => d.Name == mount.Name)) errors.Invalid(here["name"], mount.Name, "must not already exist in volumeDevices");
            if (c.VolumeDevices.Exists(d => d.DevicePath == mount.MountPath)) errors.Invalid(here["mountPath"], mount.MountPath, "must not already exist as a path in volumeDevices");
            if (mount.SubPath.Length > 0) RelativePath(here["subPath"], mount.SubPath, errors);
            if (mount.SubPathExpr.Length > 0)
            {
                if (mount.SubPath.Length > 0) errors.Invalid(here["subPathExpr"], mount.SubPathExpr, "subPathExpr and subPath are mutually exclusive");
                RelativePath(here["subPathExpr"], mount.SubPathExpr, errors);
            }
            if (mount.MountPropagation is { } propagation)
            {
                errors.OneOf(here["mountPropagation"], propagation, "Bidirectional", "HostToContainer", "None");
                if (propagation == "Bidirectional" && c.SecurityContext?.Privileged != true)
                    errors.Forbidden(here["mountPropagation"], "Bidirectional mount propagation is available only to privileged containers");
            }
        }
        var devices = new HashSet<string>();
        for (int i = 0; i < c.VolumeDevices.Count; i++)
        {
            var (here, device) = (at["volumeDevices"][i], c.VolumeDevices[i]);
            if (device.Name.Length == 0) errors.Required(here["name"]);
            else if (volumes.Find(v => v.Name == device.Name) is not { } volume) errors.NotFound(here["name"], device.Name);
            else if (volume.PersistentVolumeClaim is null && volume.Ephemeral is null) errors.Invalid(here["name"], device.Name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
            if (device.DevicePath.Length == 0) errors.Required(here["devicePath"]);
            else if (!devices.Add(device.DevicePath)) errors.Invalid(here["devicePath"], device.DevicePath, "must be unique");
            NoBacksteps(here["devicePath"], device.DevicePath, errors);
        }
    }

    static (string, object?)[] Sources(Volume v) =>
    [
        ("emptyDir", v.EmptyDir), ("hostPath", v.HostPath), ("gitRepo", v.GitRepo), ("gcePersistentDisk", v.GcePersistentDisk), ("awsElasticBlockStore", v.AwsElasticBlockStore),
        ("secret", v.Secret), ("nfs", v.Nfs), ("iscsi", v.Iscsi), ("glusterfs", v.Glusterfs), ("flocker", v.Flocker), ("persistentVolumeClaim", v.PersistentVolumeClaim),
        ("rbd", v.Rbd), ("cinder", v.Cinder), ("cephFS", v.Cephfs), ("quobyte", v.Quobyte), ("downwardAPI", v.DownwardAPI), ("fc", v.Fc), ("flexVolume", v.FlexVolume),
        ("configMap", v.ConfigMap), ("azureFile", v.AzureFile), ("vsphereVolume", v.VsphereVolume), ("photonPersistentDisk", v.PhotonPersistentDisk), ("portworxVolume", v.PortworxVolume),
        ("azureDisk", v.AzureDisk), ("storageos", v.Storageos), ("projected", v.Projected), ("scaleIO", v.ScaleIO), ("csi", v.Csi), ("ephemeral", v.Ephemeral), ("image", v.Image),
    ];
}
