using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Source = Hanbae.Machinery.Validate.VolumeSourceRules;

namespace Hanbae.Machinery.Validate;

/// <summary>Volumes of the cluster: what they are made of is for life, who claims them is not.</summary>
static class PersistentVolumeRules
{
    const int LongestInitiator = 64;
    const string InlineOnly = "may not be specified in the context of inline volumes";

    public static void Check(PersistentVolume o, Errors errors) => Spec(FieldPath.Spec, o.Spec, o.Metadata.Name, errors);

    static void Spec(FieldPath at, PersistentVolumeSpec s, string name, Errors errors)
    {
        if (s.AccessModes.IsEmpty) errors.Required(at["accessModes"]);
        StorageRules.Modes(at["accessModes"], s.AccessModes, errors);
        if (s.Capacity.IsEmpty) errors.Required(at["capacity"]);
        if (!s.Capacity.ContainsKey("storage") || s.Capacity.Count > 1)
            errors.Add(new(FieldErrorType.NotSupported, at["capacity"].ToString(), Shown.Quantities(s.Capacity), "supported values: \"storage\""));
        foreach (var (resource, quantity) in s.Capacity)
        {
            errors.NotNegative(at["capacity"].Key(resource), quantity);
            if (quantity.Sign <= 0) errors.Invalid(at["capacity"].Key(resource), quantity.ToString(), "must be greater than zero");
        }
        if (s.PersistentVolumeReclaimPolicy.Length > 0) errors.OneOf(at["persistentVolumeReclaimPolicy"], s.PersistentVolumeReclaimPolicy, "Delete", "Recycle", "Retain");
        if (s.NodeAffinity is { } affinity)
        {
            if (affinity.Required is { } required) SchedulingRules.NodeSelector(at["nodeAffinity"]["required"], required, errors);
            else errors.Required(at["nodeAffinity"]["required"], "must specify required node constraints");
        }
        Sources(at, s, name, errors);
        if (s.HostPath is { } host && host.Path.Trim('/').Length == 0 && host.Path.Length > 0 && s.PersistentVolumeReclaimPolicy == "Recycle")
            errors.Forbidden(at["persistentVolumeReclaimPolicy"], "may not be 'recycle' for a hostPath mount of '/'");
        if (s.StorageClassName.Length > 0) errors.Invalid(at["storageClassName"], s.StorageClassName, Names.Subdomain(s.StorageClassName));
        if (s.VolumeMode is { } mode) errors.OneOf(at["volumeMode"], mode, "Block", "Filesystem");
        AttributesClass(at, s, errors);
    }

    static void AttributesClass(FieldPath at, PersistentVolumeSpec s, Errors errors)
    {
        if (s.VolumeAttributesClassName is not { } attributes) return;
        if (attributes.Length == 0) errors.Required(at["volumeAttributesClassName"], "an empty string is disallowed");
        else errors.Invalid(at["volumeAttributesClassName"], attributes, Names.Subdomain(attributes));
        if (s.Csi is null) errors.Required(at["csi"], "has to be specified when using volumeAttributesClassName");
    }

    /// <summary>A volume that an attachment describes itself, as those of Pods that were migrated to drivers.</summary>
    public static void Inline(FieldPath at, PersistentVolumeSpec s, Errors errors)
    {
        if (s.ClaimRef is not null) errors.Forbidden(at["claimRef"], InlineOnly);
        if (!s.Capacity.IsEmpty) errors.Forbidden(at["capacity"], InlineOnly);
        if (s.Csi is null) errors.Required(at["csi"], "has to be specified in the context of inline volumes");
        if (s.AccessModes.IsEmpty) errors.Required(at["accessModes"]);
        StorageRules.Modes(at["accessModes"], s.AccessModes, errors);
        if (s.PersistentVolumeReclaimPolicy is not ("" or "Retain")) errors.Forbidden(at["persistentVolumeReclaimPolicy"], "may only be Retain in the context of inline volumes");
        if (s.NodeAffinity is not null) errors.Forbidden(at["nodeAffinity"], InlineOnly);
        Sources(at, s, "", errors);
        if (s.StorageClassName.Length > 0) errors.Forbidden(at["storageClassName"], InlineOnly);
        if (s.VolumeMode is not (null or "Filesystem")) errors.Forbidden(at["volumeMode"], "may not specify volumeMode other than Filesystem in the context of inline volumes");
        AttributesClass(at, s, errors);
    }

    static void Sources(FieldPath at, PersistentVolumeSpec s, string name, Errors errors) => Source.ExactlyOne(at, errors,
        ("hostPath", s.HostPath is not null, here => Source.HostPath(here, s.HostPath!, errors)),
        ("gcePersistentDisk", s.GcePersistentDisk is not null, _ => Source.Disk(at["persistentDisk"], s.GcePersistentDisk!, errors)),
        ("awsElasticBlockStore", s.AwsElasticBlockStore is not null, here => Source.Disk(here, s.AwsElasticBlockStore!, errors)),
        ("glusterfs", s.Glusterfs is not null, here => Gluster(here, s.Glusterfs!, errors)),
        ("flocker", s.Flocker is not null, here => Source.Flocker(here, s.Flocker!, errors)),
        ("nfs", s.Nfs is not null, here => Source.Nfs(here, s.Nfs!, errors)),
        ("rbd", s.Rbd is not null, here => Source.Rbd(here, s.Rbd!.Monitors, s.Rbd.Image, errors)),
        ("quobyte", s.Quobyte is not null, here => Source.Quobyte(here, s.Quobyte!, errors)),
        ("cephFS", s.Cephfs is not null, _ => Source.Cephfs(at["cephfs"], s.Cephfs!.Monitors, errors)),
        ("iscsi", s.Iscsi is not null, here => Iscsi(here, s.Iscsi!, name, errors)),
        ("cinder", s.Cinder is not null, here => Cinder(here, s.Cinder!, errors)),
        ("fc", s.Fc is not null, here => Source.Fc(here, s.Fc!, errors)),
        ("flexVolume", s.FlexVolume is not null, here => Source.Flex(here, s.FlexVolume!.Driver, s.FlexVolume.Options, errors)),
        ("azureFile", s.AzureFile is not null, here => AzureFile(here, s.AzureFile!, errors)),
        ("vsphereVolume", s.VsphereVolume is not null, here => Source.Named(here, "volumePath", s.VsphereVolume!.VolumePath, errors)),
        ("photonPersistentDisk", s.PhotonPersistentDisk is not null, here => Source.Named(here, "pdID", s.PhotonPersistentDisk!.PdID, errors)),
        ("portworxVolume", s.PortworxVolume is not null, here => Source.Named(here, "volumeID", s.PortworxVolume!.VolumeID, errors)),
        ("azureDisk", s.AzureDisk is not null, here => Source.Disk(here, s.AzureDisk!, errors)),
        ("scaleIO", s.ScaleIO is not null, here => Source.ScaleIO(here, s.ScaleIO!.Gateway, s.ScaleIO.System, s.ScaleIO.VolumeName, errors)),
        ("local", s.Local is not null, here => Local(at, here, s, errors)),
        ("storageos", s.Storageos is not null, here => StorageOS(here, s.Storageos!, errors)),
        ("csi", s.Csi is not null, here => Csi(here, s.Csi!, errors)));

    static void Gluster(FieldPath at, GlusterfsPersistentVolumeSource s, Errors errors)
    {
        Source.Gluster(at, s.Endpoints, s.Path, errors);
        if (s.EndpointsNamespace is not { } ns) return;
        if (ns.Length == 0) errors.Invalid(at["endpointsNamespace"], ns, "if the endpointnamespace is set, it must be a valid namespace name");
        else errors.Invalid(at["endpointsNamespace"], ns, Names.Label(ns));
    }

    static void Iscsi(FieldPath at, ISCSIPersistentVolumeSource s, string volume, Errors errors)
    {
        if (s.InitiatorName is not null && volume.Length + 1 + s.TargetPortal.Length > LongestInitiator)
            errors.Invalid(at["targetportal"], s.TargetPortal, "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.");
        Source.Iscsi(at, s.TargetPortal, s.Iqn, s.Lun, s.ChapAuthDiscovery || s.ChapAuthSession, s.SecretRef is not null, s.InitiatorName, ofPod: false, errors);
        if (s.SecretRef is { Name.Length: 0 }) errors.Required(at["secretRef"]["name"]);
    }

    static void Cinder(FieldPath at, CinderPersistentVolumeSource s, Errors errors)
    {
        Source.Cinder(at, s.VolumeID, errors);
        if (s.SecretRef is { Name.Length: 0 }) errors.Required(at["secretRef"]["name"]);
        if (s.SecretRef is { Namespace.Length: 0 }) errors.Required(at["secretRef"]["namespace"]);
    }

    static void AzureFile(FieldPath at, AzureFilePersistentVolumeSource s, Errors errors)
    {
        Source.AzureFile(at, s.SecretName, s.ShareName, errors);
        if (s.SecretNamespace is "") errors.Required(at["secretNamespace"]);
    }

    static void Local(FieldPath spec, FieldPath at, PersistentVolumeSpec s, Errors errors)
    {
        if (s.Local!.Path.Length == 0) errors.Required(at["path"]);
        else VolumeRules.NoBacksteps(at["path"], s.Local.Path, errors);
        if (s.NodeAffinity?.Required is null) errors.Required(spec["nodeAffinity"], "Local volume requires node affinity");
    }

    static void StorageOS(FieldPath at, StorageOSPersistentVolumeSource s, Errors errors)
    {
        Source.StorageOS(at, s.VolumeName, s.VolumeNamespace, errors);
        if (s.SecretRef is { Name.Length: 0 }) errors.Required(at["secretRef"]["name"]);
        if (s.SecretRef is { Namespace.Length: 0 }) errors.Required(at["secretRef"]["namespace"]);
    }

    static void Csi(FieldPath at, CSIPersistentVolumeSource s, Errors errors)
    {
        DriverRules.Driver(at["driver"], s.Driver, errors);
        if (s.VolumeHandle.Length == 0) errors.Required(at["volumeHandle"]);
        foreach (var (name, secret) in (ReadOnlySpan<(string, SecretReference?)>)[("controllerPublishSecretRef", s.ControllerPublishSecretRef),
            ("controllerExpandSecretRef", s.ControllerExpandSecretRef), ("nodePublishSecretRef", s.NodePublishSecretRef), ("nodeExpandSecretRef", s.NodeExpandSecretRef)])
        {
            if (secret is null) continue;
            if (secret.Name.Length == 0) errors.Required(at[name]["name"]);
            else errors.Invalid(at[name]["name"], secret.Name, Names.Subdomain(secret.Name));
            if (secret.Namespace.Length == 0) errors.Required(at[name]["namespace"]);
            else errors.Invalid(at[name]["namespace"], secret.Namespace, Names.Label(secret.Namespace));
        }
    }

    public static void Update(PersistentVolume o, PersistentVolume old, Errors errors)
    {
        Check(o, errors);
        var (now, was) = (Made(o.Spec), Made(old.Spec));
        // Growing may ask for a secret that nobody thought of before.
        if (was.Csi is { ControllerExpandSecretRef: null } && now.Csi is { ControllerExpandSecretRef: not null } csi) now = now with { Csi = csi with { ControllerExpandSecretRef = null } };
        if (now != was) errors.Forbidden(FieldPath.Spec["persistentvolumesource"], "spec.persistentvolumesource is immutable after creation\n" + Difference.Of(now, was));
        errors.Unchanged(FieldPath.Of("volumeMode"), o.Spec.VolumeMode, old.Spec.VolumeMode, m => m is null ? "null" : FieldError.Quoted(m));
        if (old.Spec.NodeAffinity is { } affinity && o.Spec.NodeAffinity != affinity && !(o.Spec.NodeAffinity is { } moved && Renamed(moved, affinity)))
            errors.InvalidAs(FieldPath.Of("nodeAffinity"), o.Spec.NodeAffinity is { } a ? Shown.Message(a) : "null", "field is immutable, except for updating from beta label to GA");
        if (old.Spec.VolumeAttributesClassName is not null && o.Spec.VolumeAttributesClassName is null)
            errors.Forbidden(FieldPath.Spec["volumeAttributesClassName"], "update from non-nil value to nil is forbidden");
    }

    static readonly Dictionary<string, string> s_renamed = new()
    {
        ["beta.kubernetes.io/os"] = "kubernetes.io/os", ["beta.kubernetes.io/arch"] = "kubernetes.io/arch", ["beta.kubernetes.io/instance-type"] = "node.kubernetes.io/instance-type",
        ["failure-domain.beta.kubernetes.io/zone"] = "topology.kubernetes.io/zone", ["failure-domain.beta.kubernetes.io/region"] = "topology.kubernetes.io/region",
    };

    /// <summary>Whether all that changed are names of labels that have left beta.</summary>
    static bool Renamed(VolumeNodeAffinity now, VolumeNodeAffinity was)
    {
        if (was.Required is not { } required || now.Required is not { } moved || moved.NodeSelectorTerms.Count != required.NodeSelectorTerms.Count) return false;
        for (int i = 0; i < required.NodeSelectorTerms.Count; i++)
        {
            var (term, old) = (moved.NodeSelectorTerms[i], required.NodeSelectorTerms[i]);
            if (term.MatchFields != old.MatchFields || term.MatchExpressions.Count != old.MatchExpressions.Count) return false;
            for (int j = 0; j < old.MatchExpressions.Count; j++)
            {
                var (a, b) = (term.MatchExpressions[j], old.MatchExpressions[j]);
                if (a != b && a != b with { Key = s_renamed.GetValueOrDefault(b.Key, b.Key) }) return false;
            }
        }
        return true;
    }

    static PersistentVolumeSpec Made(PersistentVolumeSpec s) => s with
    {
        Capacity = default, AccessModes = default, ClaimRef = null, PersistentVolumeReclaimPolicy = "", StorageClassName = "", MountOptions = default, VolumeMode = null, NodeAffinity = null,
        VolumeAttributesClassName = null,
    };
}
