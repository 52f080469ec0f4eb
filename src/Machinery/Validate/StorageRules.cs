using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Volumes of the cluster, claims to them and classes of them.</summary>
static class StorageRules
{
    static readonly string[] s_modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

    public static void Check(PersistentVolumeClaim o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.AccessModes.IsEmpty) errors.Required(at["accessModes"], "at least 1 access mode is required");
        LabelRules.Selector(at["selector"], s.Selector, errors);
        Modes(at["accessModes"], s.AccessModes, errors);
        if (!s.Resources.Requests.TryGet("storage", out var size)) errors.Required(at["resources"].Key("storage"));
        else if (size.Sign <= 0) errors.Invalid(at["resources"].Key("storage"), size.ToString(), "must be greater than zero");
        if (s.StorageClassName is { Length: > 0 } name) errors.Invalid(at["storageClassName"], name, Names.Subdomain(name));
        if (s.VolumeMode is { } mode) errors.OneOf(at["volumeMode"], mode, "Block", "Filesystem");
    }

    static void Modes(FieldPath at, Seq<string> modes, Errors errors)
    {
        foreach (string mode in modes) errors.OneOf(at, mode, s_modes);
        if (modes.Contains("ReadWriteOncePod") && modes.Count > 1) errors.Forbidden(at, "may not use ReadWriteOncePod with other access modes");
    }

    public static void Update(PersistentVolumeClaim o, PersistentVolumeClaim old, Errors errors)
    {
        var (s, was) = (o.Spec, old.Spec);
        // Binding names the volume once; a bound claim may grow.
        var same = s with { Resources = s.Resources with { Requests = was.Resources.Requests }, VolumeAttributesClassName = was.VolumeAttributesClassName };
        if (was.VolumeName.Length == 0) same = same with { VolumeName = "" };
        if (was.StorageClassName is null) same = same with { StorageClassName = null };
        if (same.DataSourceRef is not null && was.DataSourceRef is null) same = same with { DataSourceRef = null };
        if (same != was)
            errors.Forbidden(FieldPath.Spec, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n");
        var (now, before) = (s.Resources.Requests["storage"], was.Resources.Requests["storage"]);
        if (now < before && (old.Status.Capacity.IsEmpty || now < old.Status.Capacity["storage"])) errors.Forbidden(FieldPath.Spec["resources"]["requests"].Key("storage"), "field can not be less than status.capacity");
        else if (now != before && old.Status.Phase != "Bound")
            errors.Forbidden(FieldPath.Spec, "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n");
    }

    public static void Check(PersistentVolume o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.AccessModes.IsEmpty) errors.Required(at["accessModes"]);
        Modes(at["accessModes"], s.AccessModes, errors);
        if (s.Capacity.IsEmpty) errors.Required(at["capacity"]);
        else if (!s.Capacity.ContainsKey("storage") || s.Capacity.Count > 1) errors.Add(FieldError.NotSupported("spec.capacity", string.Join(",", s.Capacity.Select(p => p.Key)), "storage"));
        foreach (var (name, quantity) in s.Capacity) if (quantity.Sign <= 0) errors.Invalid(at["capacity"].Key(name), quantity.ToString(), "must be greater than zero");
        if (s.PersistentVolumeReclaimPolicy.Length > 0) errors.OneOf(at["persistentVolumeReclaimPolicy"], s.PersistentVolumeReclaimPolicy, "Delete", "Recycle", "Retain");
        if (s.StorageClassName.Length > 0) errors.Invalid(at["storageClassName"], s.StorageClassName, Names.Subdomain(s.StorageClassName));
        if (s.VolumeMode is { } mode) errors.OneOf(at["volumeMode"], mode, "Block", "Filesystem");
        if (s.NodeAffinity is { Required: { } required }) SchedulingRules.NodeSelector(at["nodeAffinity"]["required"], required, errors);
        object?[] sources = [s.HostPath, s.Nfs, s.Iscsi, s.Local, s.Csi, s.Fc, s.FlexVolume, s.GcePersistentDisk, s.AwsElasticBlockStore, s.AzureDisk, s.AzureFile, s.Cinder, s.Cephfs,
            s.Rbd, s.Glusterfs, s.Flocker, s.VsphereVolume, s.Quobyte, s.PhotonPersistentDisk, s.PortworxVolume, s.ScaleIO, s.Storageos];
        if (Array.TrueForAll(sources, source => source is null)) errors.Required(at, "must specify a volume type");
    }

    /// <summary>What a volume is made of is for life; who claims it is not.</summary>
    public static void Update(PersistentVolume o, PersistentVolume old, Errors errors)
    {
        Check(o, errors);
        if (Source(o.Spec) != Source(old.Spec)) errors.Forbidden(FieldPath.Spec["persistentvolumesource"], "spec.persistentvolumesource is immutable after creation\n");
        errors.Unchanged(FieldPath.Of("volumeMode"), o.Spec.VolumeMode, old.Spec.VolumeMode, m => m is null ? "null" : FieldError.Quoted(m));
        if (old.Spec.NodeAffinity is not null) errors.Unchanged(FieldPath.Of("nodeAffinity"), o.Spec.NodeAffinity, old.Spec.NodeAffinity, a => a is null ? "null" : Shown.Message(a));
    }

    static PersistentVolumeSpec Source(PersistentVolumeSpec s) => s with
    {
        Capacity = default, AccessModes = default, ClaimRef = null, PersistentVolumeReclaimPolicy = "", StorageClassName = "", MountOptions = default, VolumeMode = null, NodeAffinity = null,
        VolumeAttributesClassName = null,
    };

    public static void Check(StorageClass o, Errors errors)
    {
        if (o.Provisioner.Length == 0) errors.Required(FieldPath.Of("provisioner"));
        else errors.Invalid(FieldPath.Of("provisioner"), o.Provisioner, LabelSyntax.KeyErrors(o.Provisioner.ToLowerInvariant()));
        if (o.ReclaimPolicy is { } policy) errors.OneOf(FieldPath.Of("reclaimPolicy"), policy, "Delete", "Retain");
        if (o.VolumeBindingMode is not { } mode) errors.Required(FieldPath.Of("volumeBindingMode"));
        else errors.OneOf(FieldPath.Of("volumeBindingMode"), mode, "Immediate", "WaitForFirstConsumer");
    }

    public static void Update(StorageClass o, StorageClass old, Errors errors)
    {
        if (o.Parameters != old.Parameters) errors.Forbidden(FieldPath.Of("parameters"), "updates to parameters are forbidden.");
        if (o.Provisioner != old.Provisioner) errors.Forbidden(FieldPath.Of("provisioner"), "updates to provisioner are forbidden.");
        if (o.ReclaimPolicy != old.ReclaimPolicy) errors.Forbidden(FieldPath.Of("reclaimPolicy"), "updates to reclaimPolicy are forbidden.");
        errors.Unchanged(FieldPath.Of("volumeBindingMode"), o.VolumeBindingMode ?? "", old.VolumeBindingMode ?? "");
    }
}
