using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Source = Hanbae.Machinery.Validate.VolumeSourceRules;

namespace Hanbae.Machinery.Validate;

/// <summary>A Pod's volumes and how containers mount them.</summary>
static class VolumeRules
{
    const string Octal = "must be a number between 0 and 0777 (octal), both inclusive", Conflicting = "conflicting duplicate paths";
    static readonly string[] s_fields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

    /// <param name="pod">The Pod's name; null for templates, whose Pods have none yet.</param>
    public static void Volumes(FieldPath at, Seq<Volume> volumes, string? pod, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < volumes.Count; i++)
        {
            var (here, volume) = (at[i], volumes[i]);
            Sources(here, volume, pod, errors);
            var wrong = Names.Label(volume.Name);
            if (volume.Name.Length == 0) errors.Required(here["name"]);
            else errors.Invalid(here["name"], volume.Name, wrong);
            if (!names.Add(volume.Name) && wrong.Count == 0) errors.Duplicate(here["name"], volume.Name);
        }
    }

    static void Sources(FieldPath at, Volume v, string? pod, Errors errors) => Source.ExactlyOne(at, errors,
        ("emptyDir", v.EmptyDir is not null, here => { if (v.EmptyDir!.SizeLimit is { Sign: < 0 }) errors.Forbidden(here["sizeLimit"], "SizeLimit field must be a valid resource quantity"); }),
        ("hostPath", v.HostPath is not null, here => Source.HostPath(here, v.HostPath!, errors)),
        ("gitRepo", v.GitRepo is not null, here => { Source.Named(here, "repository", v.GitRepo!.Repository, errors); RelativePath(here["directory"], v.GitRepo.Directory, errors); }),
        ("gcePersistentDisk", v.GcePersistentDisk is not null, _ => Source.Disk(at["persistentDisk"], v.GcePersistentDisk!, errors)),
        ("awsElasticBlockStore", v.AwsElasticBlockStore is not null, here => Source.Disk(here, v.AwsElasticBlockStore!, errors)),
        ("secret", v.Secret is not null, here => Files(here, "secretName", v.Secret!.SecretName, v.Secret.DefaultMode, v.Secret.Items, errors)),
        ("nfs", v.Nfs is not null, here => Source.Nfs(here, v.Nfs!, errors)),
        ("iscsi", v.Iscsi is not null, here => Source.Iscsi(here, v.Iscsi!.TargetPortal, v.Iscsi.Iqn, v.Iscsi.Lun, v.Iscsi.ChapAuthDiscovery || v.Iscsi.ChapAuthSession,
            v.Iscsi.SecretRef is not null, v.Iscsi.InitiatorName, ofPod: true, errors)),
        ("glusterfs", v.Glusterfs is not null, here => Source.Gluster(here, v.Glusterfs!.Endpoints, v.Glusterfs.Path, errors)),
        ("flocker", v.Flocker is not null, here => Source.Flocker(here, v.Flocker!, errors)),
        ("persistentVolumeClaim", v.PersistentVolumeClaim is not null, here => Source.Named(here, "claimName", v.PersistentVolumeClaim!.ClaimName, errors)),
        ("rbd", v.Rbd is not null, here => Source.Rbd(here, v.Rbd!.Monitors, v.Rbd.Image, errors)),
        ("cinder", v.Cinder is not null, here => { Source.Cinder(here, v.Cinder!.VolumeID, errors); if (v.Cinder.SecretRef is { Name.Length: 0 }) errors.Required(here["secretRef"]["name"]); }),
        ("cephFS", v.Cephfs is not null, _ => Source.Cephfs(at["cephfs"], v.Cephfs!.Monitors, errors)),
        ("quobyte", v.Quobyte is not null, here => Source.Quobyte(here, v.Quobyte!, errors)),
        ("downwardAPI", v.DownwardAPI is not null, here =>
        {
            Mode(here["defaultMode"], v.DownwardAPI!.DefaultMode, errors);
            foreach (var file in v.DownwardAPI.Items) Downward(here, file, errors);
        }),
        ("fc", v.Fc is not null, here => Source.Fc(here, v.Fc!, errors)),
        ("flexVolume", v.FlexVolume is not null, here => Source.Flex(here, v.FlexVolume!.Driver, v.FlexVolume.Options, errors)),
        ("configMap", v.ConfigMap is not null, here => Files(here, "name", v.ConfigMap!.Name, v.ConfigMap.DefaultMode, v.ConfigMap.Items, errors)),
        ("azureFile", v.AzureFile is not null, here => Source.AzureFile(here, v.AzureFile!.SecretName, v.AzureFile.ShareName, errors)),
        ("vsphereVolume", v.VsphereVolume is not null, here => Source.Named(here, "volumePath", v.VsphereVolume!.VolumePath, errors)),
        ("photonPersistentDisk", v.PhotonPersistentDisk is not null, here => Source.Named(here, "pdID", v.PhotonPersistentDisk!.PdID, errors)),
        ("portworxVolume", v.PortworxVolume is not null, here => Source.Named(here, "volumeID", v.PortworxVolume!.VolumeID, errors)),
        ("azureDisk", v.AzureDisk is not null, here => Source.Disk(here, v.AzureDisk!, errors)),
        ("storageos", v.Storageos is not null, here =>
        {
            Source.StorageOS(here, v.Storageos!.VolumeName, v.Storageos.VolumeNamespace, errors);
            if (v.Storageos.SecretRef is { Name.Length: 0 }) errors.Required(here["secretRef"]["name"]);
        }),
        ("projected", v.Projected is not null, here => Projected(here, v.Projected!, errors)),
        ("scaleIO", v.ScaleIO is not null, here => Source.ScaleIO(here, v.ScaleIO!.Gateway, v.ScaleIO.System, v.ScaleIO.VolumeName, errors)),
        ("csi", v.Csi is not null, here => Csi(here, v.Csi!, errors)),
        ("ephemeral", v.Ephemeral is not null, here => Ephemeral(here, v, pod, errors)),
        ("image", v.Image is not null, here =>
        {
            if (pod is not null) Source.Named(here, "reference", v.Image!.Reference, errors);
            if (v.Image!.PullPolicy.Length > 0) errors.OneOf(here["pullPolicy"], v.Image.PullPolicy, "Always", "IfNotPresent", "Never");
        }));

    static void Files(FieldPath at, string field, string name, int? mode, Seq<KeyToPath> items, Errors errors)
    {
        Source.Named(at, field, name, errors);
        Mode(at["defaultMode"], mode, errors);
        Items(at["items"], items, errors);
    }

    static void Csi(FieldPath at, CSIVolumeSource s, Errors errors)
    {
        DriverRules.Driver(at["driver"], s.Driver, errors);
        if (s.NodePublishSecretRef is not { } secret) return;
        if (secret.Name.Length == 0) errors.Required(at["nodePublishSecretRef"]["name"]);
        else errors.Invalid(at["name"], secret.Name, Names.Subdomain(secret.Name));
    }

    /// <summary>The claim is named after the Pod and the volume.</summary>
    static void Ephemeral(FieldPath at, Volume v, string? pod, Errors errors)
    {
        if (v.Ephemeral!.VolumeClaimTemplate is { } template) ClaimRules.Template(at["volumeClaimTemplate"], template, errors);
        else errors.Required(at["volumeClaimTemplate"]);
        if (string.IsNullOrEmpty(pod) || v.Name.Length == 0) return;
        string claim = pod + "-" + v.Name;
        foreach (string wrong in Names.Subdomain(claim)) errors.Invalid(at["name"], v.Name, $"PVC name {FieldError.Quoted(claim)}: {wrong}");
    }

    static void Downward(FieldPath at, DownwardAPIVolumeFile file, Errors errors)
    {
        if (file.Path.Length == 0) errors.Required(at["path"]);
        FilePath(at["path"], file.Path, errors);
        if (file.FieldRef is { } field)
        {
            EnvRules.Field(at["fieldRef"], field, s_fields, errors);
            if (file.ResourceFieldRef is not null) errors.Invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
        }
        else if (file.ResourceFieldRef is { } resource) EnvRules.Resource(at["resourceFieldRef"], resource, ofVolume: true, errors);
        else errors.Required(at, "one of fieldRef and resourceFieldRef is required");
        Mode(at["mode"], file.Mode, errors);
    }

    static void Projected(FieldPath at, ProjectedVolumeSource projected, Errors errors)
    {
        Mode(at["defaultMode"], projected.DefaultMode, errors);
        var paths = new HashSet<string>();
        void Taken(string path, string shown)
        {
            if (path.Length > 0 && !paths.Add(path)) errors.Invalid(at, shown, Conflicting);
        }

        for (int i = 0; i < projected.Sources.Count; i++)
        {
            var (here, source) = (at["sources"][i], projected.Sources[i]);
            int count = 0;
            foreach (var (field, name, items) in (ReadOnlySpan<(string, string?, Seq<KeyToPath>)>)[("secret", source.Secret?.Name, source.Secret?.Items ?? default),
                ("configMap", source.ConfigMap?.Name, source.ConfigMap?.Items ?? default)])
            {
                if (name is null) continue;
                count++;
                if (name.Length == 0) errors.Required(here[field]["name"]);
                Items(here[field]["items"], items, errors);
                foreach (var item in items) Taken(item.Path, name);
            }
            if (source.DownwardAPI is { } downward)
            {
                count++;
                foreach (var file in downward.Items)
                {
                    Downward(here["downwardAPI"], file, errors);
                    Taken(file.Path, file.Path);
                }
            }
            if (source.ServiceAccountToken is { } token)
            {
                count++;
                var seconds = here["serviceAccountToken"]["expirationSeconds"];
                if (token.ExpirationSeconds < 600) errors.Invalid(seconds, token.ExpirationSeconds.Value, "may not specify a duration less than 10 minutes");
                if (token.ExpirationSeconds > 1L << 32) errors.Invalid(seconds, token.ExpirationSeconds.Value, "may not specify a duration larger than 2^32 seconds");
                if (token.Path.Length == 0) errors.Required(at["path"]);
                else FilePath(at["path"], token.Path, errors);
            }
            if (source.ClusterTrustBundle is { } bundle)
            {
                count++;
                TrustBundle(here["clusterTrustBundle"], bundle, errors);
                Taken(bundle.Path, bundle.Path);
            }
            if (source.PodCertificate is { } certificate)
            {
                count++;
                PodCertificate(here["podCertificate"], certificate, errors);
                foreach (string path in (ReadOnlySpan<string>)[certificate.CredentialBundlePath, certificate.KeyPath, certificate.CertificateChainPath]) Taken(path, path);
            }
            if (count > 1) errors.Forbidden(here, "may not specify more than 1 volume type per source");
        }
    }

    /// <summary>By its name, or by its signer and labels.</summary>
    static void TrustBundle(FieldPath at, ClusterTrustBundleProjection bundle, Errors errors)
    {
        bool named = bundle.Name is not null, signed = bundle.SignerName is not null;
        if (named && signed) errors.InvalidAs(at, Shown.Message(bundle), "only one of name and signerName may be used");
        else if (!named && !signed) errors.Required(at, "either name or signerName must be specified");
        else if (named && bundle.Name!.Length == 0) errors.Required(at["name"], "must be a valid object name");
        else if (named && bundle.LabelSelector is { } labels) errors.InvalidAs(at["labelSelector"], Shown.Message(labels), "labelSelector must be unset if name is specified");
        else if (signed)
        {
            SigningRules.Signer(at["signerName"], bundle.SignerName!, errors);
            LabelRules.Selector(at["labelSelector"], bundle.LabelSelector, errors);
        }
        else
            foreach (string wrong in TrustBundleRules.Name(bundle.Name!)) errors.Invalid(at["name"], bundle.Name!, "not a valid clustertrustbundlename: " + wrong);
        if (bundle.Path.Length == 0) errors.Required(at["path"]);
        else FilePath(at["path"], bundle.Path, errors);
    }

    /// <summary>A kind of key, a lifetime that a signer may give, and somewhere to write to.</summary>
    static void PodCertificate(FieldPath at, PodCertificateProjection certificate, Errors errors)
    {
        SigningRules.Signer(at["signerName"], certificate.SignerName, errors);
        errors.OneOf(at["keyType"], certificate.KeyType, "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072", "RSA4096");
        if (certificate.MaxExpirationSeconds is { } seconds)
        {
            var (least, most) = PodCertificateRules.Lifetimes(certificate.SignerName);
            if (seconds < least) errors.Invalid(at["maxExpirationSeconds"], seconds, $"if provided, maxExpirationSeconds must be >= {least}");
            else if (seconds > most) errors.Invalid(at["maxExpirationSeconds"], seconds, $"if provided, maxExpirationSeconds must be <= {most}");
        }
        (string Name, string Path)[] paths = [("credentialBundlePath", certificate.CredentialBundlePath), ("keyPath", certificate.KeyPath), ("certificateChainPath", certificate.CertificateChainPath)];
        foreach (var (name, path) in paths)
            if (path.Length > 0) FilePath(at[name], path, errors);
        if (paths.All(p => p.Path.Length == 0)) errors.Required(at, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
        PodCertificateRules.UserAnnotations(at["userAnnotations"], certificate.UserAnnotations, errors);
    }

    static void Items(FieldPath at, Seq<KeyToPath> items, Errors errors)
    {
        for (int i = 0; i < items.Count; i++)
        {
            var (here, item) = (at[i], items[i]);
            if (item.Key.Length == 0) errors.Required(here["key"]);
            if (item.Path.Length == 0) errors.Required(here["path"]);
            FilePath(here["path"], item.Path, errors);
            Mode(here["mode"], item.Mode, errors);
        }
    }

    static void Mode(FieldPath at, int? mode, Errors errors)
    {
        if (mode is (< 0 or > 0x1FF) and { } bits) errors.Invalid(at, bits, Octal);
    }

    public static void RelativePath(FieldPath at, string path, Errors errors)
    {
        if (path.StartsWith('/')) errors.Invalid(at, path, "must be a relative path");
        NoBacksteps(at, path, errors);
    }

    /// <summary>Names that begin with two dots are a kubelet's own.</summary>
    static void FilePath(FieldPath at, string path, Errors errors)
    {
        RelativePath(at, path, errors);
        if (path.StartsWith("..", StringComparison.Ordinal) && !path.StartsWith("../", StringComparison.Ordinal)) errors.Invalid(at, path, "must not start with '..'");
    }

    public static void NoBacksteps(FieldPath at, string path, Errors errors)
    {
        foreach (var part in path.AsSpan().Split('/'))
            if (path.AsSpan(part) is "..") { errors.Invalid(at, path, "must not contain '..'"); return; }
    }

    public static void Mounts(FieldPath at, Container c, Seq<Volume> volumes, Errors errors)
    {
        var paths = new HashSet<string>();
        // Upstream says of some what is wrong with the list.
        var all = at["volumeMounts"];
        for (int i = 0; i < c.VolumeMounts.Count; i++)
        {
            var (here, mount) = (all[i], c.VolumeMounts[i]);
            if (mount.Name.Length == 0) errors.Required(here["name"]);
            if (!volumes.Exists(v => v.Name == mount.Name)) errors.NotFound(here["name"], mount.Name);
            if (mount.MountPath.Length == 0) errors.Required(here["mountPath"]);
            if (!paths.Add(mount.MountPath)) errors.Invalid(here["mountPath"], mount.MountPath, "must be unique");
            if (c.VolumeDevices.Exists(d => d.Name == mount.Name)) errors.Invalid(here["name"], mount.Name, "must not already exist in volumeDevices");
            if (c.VolumeDevices.Exists(d => d.DevicePath == mount.MountPath)) errors.Invalid(here["mountPath"], mount.MountPath, "must not already exist as a path in volumeDevices");
            if (mount.SubPath.Length > 0) RelativePath(all["subPath"], mount.SubPath, errors);
            if (mount.SubPathExpr.Length > 0)
            {
                if (mount.SubPath.Length > 0) errors.Invalid(here["subPathExpr"], mount.SubPathExpr, "subPathExpr and subPath are mutually exclusive");
                RelativePath(all["subPathExpr"], mount.SubPathExpr, errors);
            }
            if (mount.MountPropagation is { } propagation)
            {
                errors.OneOf(all["mountPropagation"], propagation, "Bidirectional", "HostToContainer", "None");
                if (propagation == "Bidirectional" && c.SecurityContext?.Privileged != true)
                    errors.Forbidden(all["mountPropagation"], "Bidirectional mount propagation is available only to privileged containers");
            }
            if (mount.RecursiveReadOnly is not { } recursive) continue;
            errors.OneOf(all["recursiveReadOnly"], recursive, "Disabled", "Enabled", "IfPossible");
            if (recursive is not ("Enabled" or "IfPossible")) continue;
            if (!mount.ReadOnly) errors.Forbidden(all["recursiveReadOnly"], "may only be specified when readOnly is true");
            if (mount.MountPropagation is not (null or "None")) errors.Forbidden(all["recursiveReadOnly"], "may only be specified when mountPropagation is None or not specified");
        }
        Devices(at["volumeDevices"], c, volumes, errors);
    }

    static void Devices(FieldPath at, Container c, Seq<Volume> volumes, Errors errors)
    {
        var (names, paths) = (new HashSet<string>(), new HashSet<string>());
        for (int i = 0; i < c.VolumeDevices.Count; i++)
        {
            var (here, device) = (at[i], c.VolumeDevices[i]);
            if (device.Name.Length == 0) errors.Required(here["name"]);
            if (names.Contains(device.Name)) errors.Invalid(here["name"], device.Name, "must be unique");
            if (volumes.Find(v => v.Name == device.Name) is not { } volume) errors.NotFound(here["name"], device.Name);
            else if (volume.PersistentVolumeClaim is null && volume.Ephemeral is null) errors.Invalid(here["name"], device.Name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
            if (device.DevicePath.Length == 0) errors.Required(here["devicePath"]);
            if (paths.Contains(device.DevicePath)) errors.Invalid(here["devicePath"], device.DevicePath, "must be unique");
            if (device.DevicePath.Split('/').Contains("..")) errors.Invalid(here["devicePath"], device.DevicePath, "can not contain backsteps ('..')");
            else paths.Add(device.DevicePath);
            if (c.VolumeMounts.Exists(m => m.Name == device.Name)) errors.Invalid(here["name"], device.Name, "must not already exist in volumeMounts");
            if (c.VolumeMounts.Exists(m => m.MountPath == device.DevicePath)) errors.Invalid(here["devicePath"], device.DevicePath, "must not already exist as a path in volumeMounts");
            if (device.Name.Length > 0) names.Add(device.Name);
        }
    }
}
