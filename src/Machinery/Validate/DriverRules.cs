using Hanbae.Api;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Storage drivers, where they run and what they have attached.</summary>
static class DriverRules
{
    const long MostSeconds = 1L << 32;
    const int LongestDriver = 63, LongestNodeId = 192, LeastSeconds = 600;

    public static void Driver(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) errors.Required(at);
        if (name.Length > LongestDriver) errors.TooLong(at, LongestDriver);
        errors.Invalid(at, name, Names.Subdomain(name.ToLowerInvariant()));
    }

    public static void Check(CSIDriver o, Errors errors)
    {
        Driver(FieldPath.Metadata["name"], o.Metadata.Name, errors);
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.AttachRequired is null) errors.Required(at["attachedRequired"]);
        if (s.PodInfoOnMount is null) errors.Required(at["podInfoOnMount"]);
        if (s.StorageCapacity is null) errors.Required(at["storageCapacity"]);
        if (s.FsGroupPolicy is { } policy) errors.OneOf(at["fsGroupPolicy"], policy, "File", "None", "ReadWriteOnceWithFSType");
        else errors.Required(at["fsGroupPolicy"]);
        var audiences = new HashSet<string>();
        for (int i = 0; i < s.TokenRequests.Count; i++)
        {
            var (here, token) = (at["tokenRequests"][i], s.TokenRequests[i]);
            if (!audiences.Add(token.Audience)) errors.Duplicate(here["audience"], token.Audience);
            if (token.ExpirationSeconds is < LeastSeconds and { } seconds) errors.Invalid(here["expirationSeconds"], seconds, "may not specify a duration less than 10 minutes");
            if (token.ExpirationSeconds is > MostSeconds and { } many) errors.Invalid(here["expirationSeconds"], many, "may not specify a duration larger than 2^32 seconds");
        }
        foreach (string mode in s.VolumeLifecycleModes) errors.OneOf(at["volumeLifecycleModes"], mode, "Ephemeral", "Persistent");
        if (s.SeLinuxMount is null) errors.Required(at["seLinuxMount"]);
        if (s.NodeAllocatableUpdatePeriodSeconds is < 10 and { } period) errors.Invalid(at["nodeAllocatableUpdatePeriodSeconds"], period, "must be greater than or equal to 10 seconds");
    }

    public static void Update(CSIDriver o, CSIDriver old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Spec["attachedRequired"], o.Spec.AttachRequired, old.Spec.AttachRequired, b => b is { } set ? Shown.Bool(set) : "null");
        errors.Unchanged(FieldPath.Spec["volumeLifecycleModes"], o.Spec.VolumeLifecycleModes, old.Spec.VolumeLifecycleModes, Shown.List);
    }

    public static void Check(CSINode o, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < o.Spec.Drivers.Count; i++)
        {
            var (at, driver) = (FieldPath.Spec["drivers"][i], o.Spec.Drivers[i]);
            Driver(at["name"], driver.Name, errors);
            if (driver.NodeID.Length == 0) errors.Required(at["nodeID"]);
            else if (driver.NodeID.Length > LongestNodeId) errors.Invalid(at["nodeID"], driver.NodeID, $"must be {LongestNodeId} characters or less");
            if (driver.Allocatable?.Count is { } count) errors.NotNegative(at["allocatable"]["count"], count);
            if (!names.Add(driver.Name)) errors.Duplicate(at["name"], driver.Name);
            var keys = new HashSet<string>();
            foreach (string key in driver.TopologyKeys)
            {
                if (!keys.Add(key)) errors.Duplicate(at["topologyKeys"], key);
                errors.Invalid(at["topologyKeys"], key, LabelSyntax.KeyErrors(key));
            }
        }
    }

    /// <summary>A driver may come and go, but not change.</summary>
    public static void Update(CSINode o, CSINode old, Errors errors)
    {
        Check(o, errors);
        for (int i = 0; i < o.Spec.Drivers.Count; i++)
        {
            var driver = o.Spec.Drivers[i];
            if (old.Spec.Drivers.Find(d => d.Name == driver.Name) is { } was && was with { Allocatable = driver.Allocatable } != driver)
                errors.InvalidAs(FieldPath.Spec["drivers"], Shown.Message(driver), "field is immutable");
        }
    }

    public static void Check(CSIStorageCapacity o, Errors errors)
    {
        LabelRules.Selector(FieldPath.Of("nodeTopology"), o.NodeTopology, errors);
        if (o.StorageClassName.Length == 0) errors.Required(FieldPath.Of("storageClassName"));
        else errors.Invalid(FieldPath.Of("storageClassName"), o.StorageClassName, Names.Subdomain(o.StorageClassName));
        if (o.Capacity is { } capacity) errors.NotNegative(FieldPath.Of("capacity"), capacity);
        if (o.MaximumVolumeSize is { } size) errors.NotNegative(FieldPath.Of("maximumVolumeSize"), size);
    }

    public static void Update(CSIStorageCapacity o, CSIStorageCapacity old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Of("nodeTopology"), o.NodeTopology, old.NodeTopology, t => t is null ? "null" : Shown.Message(t));
        errors.Unchanged(FieldPath.Of("storageClassName"), o.StorageClassName, old.StorageClassName);
    }

    public static void Check(VolumeAttachment o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Driver(at["attacher"], s.Attacher, errors);
        const string one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
        var source = at["source"];
        if (s.Source is { InlineVolumeSpec: null, PersistentVolumeName: null }) errors.Required(source, one);
        if (s.Source is { InlineVolumeSpec: not null, PersistentVolumeName: not null }) errors.Forbidden(source, one);
        if (s.Source is { InlineVolumeSpec: null, PersistentVolumeName.Length: 0 }) errors.Required(source["persistentVolumeName"], "must specify non empty persistentVolumeName");
        if (s.Source.InlineVolumeSpec is { } inline) PersistentVolumeRules.Inline(source["inlineVolumeSpec"], inline, errors);
        errors.Invalid(at["nodeName"], s.NodeName, Names.Subdomain(s.NodeName));
    }

    public static void Update(VolumeAttachment o, VolumeAttachment old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Spec, o.Spec, old.Spec, Shown.Message);
    }

    public static void Check(VolumeAttributesClass o, Errors errors)
    {
        Driver(FieldPath.Of("driverName"), o.DriverName, errors);
        StorageRules.Parameters(FieldPath.Of("parameters"), o.Parameters, some: true, errors);
    }

    public static void Update(VolumeAttributesClass o, VolumeAttributesClass old, Errors errors)
    {
        if (o.DriverName != old.DriverName) errors.Forbidden(FieldPath.Of("driverName"), "updates to driverName are forbidden.");
        if (o.Parameters != old.Parameters) errors.Forbidden(FieldPath.Of("parameters"), "updates to parameters are forbidden.");
    }
}
