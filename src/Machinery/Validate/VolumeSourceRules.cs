using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What each sort of volume has to say, whether it stands in a Pod or in a PersistentVolume.</summary>
static partial class VolumeSourceRules
{
    const string OnlyOne = "may not specify more than 1 volume type", Malformed = "must be valid format", Partition = "must be between 0 and 255, inclusive";
    const int LongestTenant = 64;

    [GeneratedRegex(@"^iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-._]+)(:[^,;*&$|\s]+)$")]
    private static partial Regex Iqn();
    [GeneratedRegex(@"^eui\.[A-Za-z0-9]{16}$")]
    private static partial Regex Eui();
    [GeneratedRegex(@"^naa\.[A-Za-z0-9]{32}$")]
    private static partial Regex Naa();

    /// <summary>The first source is looked at closely, each further one is one too many.</summary>
    public static void ExactlyOne(FieldPath at, Errors errors, params ReadOnlySpan<(string Name, bool Set, Action<FieldPath> Check)> sources)
    {
        int count = 0;
        foreach (var (name, set, check) in sources)
            if (set && count++ > 0) errors.Forbidden(at[name], OnlyOne);
            else if (set) check(at[name]);
        if (count == 0) errors.Required(at, "must specify a volume type");
    }

    static void Needed(FieldPath at, string name, string? value, Errors errors)
    {
        if (string.IsNullOrEmpty(value)) errors.Required(at[name]);
    }

    public static void HostPath(FieldPath at, HostPathVolumeSource s, Errors errors)
    {
        if (s.Path.Length == 0) { errors.Required(at["path"]); return; }
        VolumeRules.NoBacksteps(at["path"], s.Path, errors);
        if (s.Type is { } type) errors.OneOf(at["type"], type, "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket");
    }

    public static void Disk(FieldPath at, GCEPersistentDiskVolumeSource s, Errors errors)
    {
        Needed(at, "pdName", s.PdName, errors);
        if (s.Partition is < 0 or > 255) errors.Invalid(at["partition"], s.Partition, Partition);
    }

    public static void Disk(FieldPath at, AWSElasticBlockStoreVolumeSource s, Errors errors)
    {
        Needed(at, "volumeID", s.VolumeID, errors);
        if (s.Partition is < 0 or > 255) errors.Invalid(at["partition"], s.Partition, Partition);
    }

    public static void Disk(FieldPath at, AzureDiskVolumeSource s, Errors errors)
    {
        Needed(at, "diskName", s.DiskName, errors);
        Needed(at, "diskURI", s.DiskURI, errors);
        if (s.CachingMode is { } caching) errors.OneOf(at["cachingMode"], caching, "None", "ReadOnly", "ReadWrite");
        if (s.Kind is { } kind) errors.OneOf(at["kind"], kind, "Dedicated", "Managed", "Shared");
        bool managed = s.Kind == "Managed";
        if (s.Kind is not null && !s.DiskURI.StartsWith(managed ? "/subscriptions/" : "https://", StringComparison.Ordinal))
            errors.OneOf(at["diskURI"], s.DiskURI, managed ? "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
                : "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd");
    }

    public static void Nfs(FieldPath at, NFSVolumeSource s, Errors errors)
    {
        Needed(at, "server", s.Server, errors);
        Needed(at, "path", s.Path, errors);
        if (!s.Path.StartsWith('/')) errors.Invalid(at["path"], s.Path, "must be an absolute path");
    }

    public static void Gluster(FieldPath at, string endpoints, string path, Errors errors)
    {
        Needed(at, "endpoints", endpoints, errors);
        Needed(at, "path", path, errors);
    }

    public static void Flocker(FieldPath at, FlockerVolumeSource s, Errors errors)
    {
        if (s.DatasetName.Length == 0 && s.DatasetUUID.Length == 0) errors.Required(at, "one of datasetName and datasetUUID is required");
        if (s.DatasetName.Length > 0 && s.DatasetUUID.Length > 0) errors.Invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously");
        if (s.DatasetName.Contains('/')) errors.Invalid(at["datasetName"], s.DatasetName, "must not contain '/'");
    }

    public static void Rbd(FieldPath at, Seq<string> monitors, string image, Errors errors)
    {
        if (monitors.IsEmpty) errors.Required(at["monitors"]);
        Needed(at, "image", image, errors);
    }

    public static void Quobyte(FieldPath at, QuobyteVolumeSource s, Errors errors)
    {
        const string pairs = "must be a host:port pair or multiple pairs separated by commas";
        if (s.Registry.Length == 0) errors.Required(at["registry"], pairs);
        else if (s.Tenant.Length > LongestTenant) errors.Required(at["tenant"], $"must be a UUID and may not exceed a length of {LongestTenant} characters");
        else
            foreach (string pair in s.Registry.Split(','))
                if (pair.LastIndexOf(':') is var colon && (colon < 0 || pair[..colon].Contains(':') && !pair.StartsWith('['))) errors.Invalid(at["registry"], s.Registry, pairs);
        Needed(at, "volume", s.Volume, errors);
    }

    public static void Cephfs(FieldPath at, Seq<string> monitors, Errors errors)
    {
        if (monitors.IsEmpty) errors.Required(at["monitors"]);
    }

    public static void Cinder(FieldPath at, string volume, Errors errors) => Needed(at, "volumeID", volume, errors);

    /// <param name="ofPod">Pods say it in more words.</param>
    public static void Iscsi(FieldPath at, string portal, string iqn, int lun, bool authenticates, bool secret, string? initiator, bool ofPod, Errors errors)
    {
        Needed(at, "targetPortal", portal, errors);
        if (iqn.Length == 0) errors.Required(at["iqn"]);
        else IscsiName(at["iqn"], iqn, ofPod, errors);
        if (lun is < 0 or > 255) errors.Between(at["lun"], lun, 0, 255);
        if (authenticates && !secret) errors.Required(at["secretRef"]);
        if (initiator is not null) IscsiName(at["initiatorname"], initiator, ofPod, errors);
    }

    static void IscsiName(FieldPath at, string name, bool ofPod, Errors errors)
    {
        var form = name.StartsWith("iqn", StringComparison.Ordinal) ? Iqn() : name.StartsWith("eui", StringComparison.Ordinal) ? Eui() : name.StartsWith("naa", StringComparison.Ordinal) ? Naa() : null;
        if (form is null) errors.Invalid(at, name, ofPod ? "must be valid format starting with iqn, eui, or naa" : Malformed);
        else if (!form.IsMatch(name)) errors.Invalid(at, name, Malformed);
    }

    public static void Fc(FieldPath at, FCVolumeSource s, Errors errors)
    {
        if (s.TargetWWNs.IsEmpty && s.Wwids.IsEmpty) errors.Required(at["targetWWNs"], "must specify either targetWWNs or wwids, but not both");
        if (!s.TargetWWNs.IsEmpty && !s.Wwids.IsEmpty) errors.InvalidAs(at["targetWWNs"], Shown.List(s.TargetWWNs), "targetWWNs and wwids can not be specified simultaneously");
        if (s.TargetWWNs.IsEmpty) return;
        if (s.Lun is not { } lun) errors.Required(at["lun"], "lun is required if targetWWNs is specified");
        else errors.Between(at["lun"], lun, 0, 255);
    }

    public static void Flex(FieldPath at, string driver, Map<string> options, Errors errors)
    {
        Needed(at, "driver", driver, errors);
        foreach (var (key, _) in options)
        {
            string domain = "." + key.Split('/')[0].ToLowerInvariant();
            if (domain.EndsWith(".kubernetes.io", StringComparison.Ordinal) || domain.EndsWith(".k8s.io", StringComparison.Ordinal))
                errors.Invalid(at["options"].Key(key), key, "kubernetes.io and k8s.io namespaces are reserved");
        }
    }

    public static void AzureFile(FieldPath at, string secret, string share, Errors errors)
    {
        Needed(at, "secretName", secret, errors);
        Needed(at, "shareName", share, errors);
    }

    public static void ScaleIO(FieldPath at, string gateway, string system, string volume, Errors errors)
    {
        Needed(at, "gateway", gateway, errors);
        Needed(at, "system", system, errors);
        Needed(at, "volumeName", volume, errors);
    }

    public static void StorageOS(FieldPath at, string volume, string ns, Errors errors)
    {
        if (volume.Length == 0) errors.Required(at["volumeName"]);
        else errors.Invalid(at["volumeName"], volume, Names.Label(volume));
        if (ns.Length > 0) errors.Invalid(at["volumeNamespace"], ns, Names.Label(ns));
    }

    public static void Named(FieldPath at, string field, string value, Errors errors) => Needed(at, field, value, errors);
}
