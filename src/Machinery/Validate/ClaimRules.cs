using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Claims to volumes: what they ask for stays, but for growing, a class that was left open, and attributes.</summary>
static class ClaimRules
{
    const string OldClass = "volume.beta.kubernetes.io/storage-class";
    const string Frozen = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n";
    static readonly string[] s_resizing = ["ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"];

    public static void Check(PersistentVolumeClaim o, Errors errors) => Spec(FieldPath.Spec, o.Spec, oldGroups: false, errors);

    /// <summary>What a StatefulSet's claims will ask for.</summary>
    public static void Made(FieldPath at, PersistentVolumeClaimSpec spec, Errors errors) => Spec(at, spec, oldGroups: false, errors);

    /// <summary>A claim that a Pod will make.</summary>
    public static void Template(FieldPath at, PersistentVolumeClaimTemplate template, Errors errors)
    {
        MetaRules.Template(at["metadata"], template.Metadata, errors);
        Spec(at["spec"], template.Spec, oldGroups: false, errors);
    }

    /// <param name="oldGroups">Groups that were wrong already may stay.</param>
    static void Spec(FieldPath at, PersistentVolumeClaimSpec s, bool oldGroups, Errors errors)
    {
        if (s.AccessModes.IsEmpty) errors.Required(at["accessModes"], "at least 1 access mode is required");
        LabelRules.Selector(at["selector"], s.Selector, errors);
        StorageRules.Modes(at["accessModes"], s.AccessModes, errors);
        var storage = at["resources"].Key("storage");
        if (!s.Resources.Requests.TryGet("storage", out var size)) errors.Required(storage);
        else if (size.Sign <= 0) errors.Invalid(storage, size.ToString(), "must be greater than zero");
        if (s.StorageClassName is { Length: > 0 } name) errors.Invalid(at["storageClassName"], name, Names.Subdomain(name));
        if (s.VolumeMode is { } mode) errors.OneOf(at["volumeMode"], mode, "Block", "Filesystem");
        if (s.DataSource is { } source) Source(at["dataSource"], source.Name, source.Kind, source.ApiGroup, oldGroups, errors);
        if (s.DataSourceRef is { } reference)
        {
            Source(at["dataSourceRef"], reference.Name, reference.Kind, reference.ApiGroup, oldGroups, errors);
            if (reference.Namespace is { Length: > 0 } ns) errors.Invalid(at["dataSourceRef"]["namespace"], ns, Names.Label(ns));
            if (s.DataSource is { } both)
                if (!string.IsNullOrEmpty(reference.Namespace)) errors.InvalidAs(at, Shown.Json(at["dataSource"].ToString()), "may not be specified when dataSourceRef.namespace is specified");
                else if (both.ApiGroup != reference.ApiGroup || both.Kind != reference.Kind || both.Name != reference.Name) errors.InvalidAs(at, Shown.Json(at["dataSource"].ToString()), "must match dataSourceRef");
        }
        if (s.VolumeAttributesClassName is { Length: > 0 } attributes) errors.Invalid(at["volumeAttributesClassName"], attributes, Names.Subdomain(attributes));
    }

    static void Source(FieldPath at, string name, string kind, string? group, bool oldGroups, Errors errors)
    {
        if (name.Length == 0) errors.Required(at["name"]);
        if (kind.Length == 0) errors.Required(at["kind"]);
        if (string.IsNullOrEmpty(group))
        {
            if (kind != "PersistentVolumeClaim") errors.Invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
        }
        else if (!oldGroups) errors.Invalid(at["apiGroup"], group, Names.Subdomain(group));
    }

    public static void Update(PersistentVolumeClaim o, PersistentVolumeClaim old, Errors errors)
    {
        var (s, was) = (o.Spec, old.Spec);
        Spec(FieldPath.Spec, s, was.DataSource?.ApiGroup is not null || was.DataSourceRef?.ApiGroup is not null, errors);
        var same = s;
        // Binding names the volume, once.
        if (was.VolumeName.Length == 0) same = same with { VolumeName = was.VolumeName };
        string? oldClass = old.Metadata.Annotations[OldClass], newClass = o.Metadata.Annotations[OldClass];
        bool moves = oldClass is not null && was.StorageClassName is null && s.StorageClassName == oldClass && (newClass is null || newClass == oldClass);
        if (!moves && oldClass != newClass) errors.Invalid(FieldPath.Metadata["annotations"].Key(OldClass), newClass ?? "", "field is immutable");
        if (moves || s.StorageClassName is not null && was.StorageClassName is null && (oldClass is null || oldClass == s.StorageClassName)) same = same with { StorageClassName = null };
        bool bound = o.Status.Phase == "Bound";
        if (bound && !s.Resources.Requests.IsEmpty && was.Resources.Requests.TryGet("storage", out var before))
            same = same with { Resources = same.Resources with { Requests = same.Resources.Requests.Set("storage", before) } };
        if (bound) same = same with { VolumeAttributesClassName = was.VolumeAttributesClassName };
        if (same != was) errors.Forbidden(FieldPath.Spec, Frozen + Difference.Of(same, was));
        // What could not grow may be made smaller again, but not as small as the volume is.
        var (size, had) = (s.Resources.Requests["storage"], was.Resources.Requests["storage"]);
        if (size < had && size <= old.Status.Capacity["storage"]) errors.Forbidden(FieldPath.Spec["resources"]["requests"]["storage"], "field can not be less than status.capacity");
        errors.Unchanged(FieldPath.Of("volumeMode"), s.VolumeMode, was.VolumeMode, m => m is null ? "null" : FieldError.Quoted(m));
        // What was applied can be changed, but not undone.
        if (s.VolumeAttributesClassName == was.VolumeAttributesClassName || old.Status.CurrentVolumeAttributesClassName is null) return;
        const string applied = "is forbidden when status.currentVolumeAttributesClassName is not nil";
        if (s.VolumeAttributesClassName is null) errors.Forbidden(FieldPath.Spec["volumeAttributesClassName"], "update to nil " + applied);
        else if (s.VolumeAttributesClassName.Length == 0) errors.Forbidden(FieldPath.Spec["volumeAttributesClassName"], "update to empty string " + applied);
    }

    public static void Part(PersistentVolumeClaim o, PersistentVolumeClaim old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var at = FieldPath.Of("status");
        if (o.Spec.AccessModes.IsEmpty) errors.Required(FieldPath.Of("Spec")["accessModes"]);
        foreach (var (name, quantity) in o.Status.Capacity) errors.NotNegative(at["capacity"].Key(name), quantity);
        foreach (var (name, status) in o.Status.AllocatedResourceStatuses)
        {
            Resource(at["allocatedResourceStatus"], name, errors);
            if (!s_resizing.Contains(status)) errors.OneOf(at["allocatedResourceStatus"], name, s_resizing);
        }
        foreach (var (name, quantity) in o.Status.AllocatedResources)
            if (Resource(at["allocatedResources"], name, errors)) errors.NotNegative(at["allocatedResources"].Key(name), quantity);
    }

    /// <summary>A volume has one amount of Kubernetes' own; drivers may know others.</summary>
    static bool Resource(FieldPath at, string name, Errors errors)
    {
        int before = errors.Count;
        errors.Invalid(at, name, LabelSyntax.KeyErrors(name));
        if (errors.Count == before && ResourceRules.IsNative(name)) errors.OneOf(at, name, "storage");
        return errors.Count == before;
    }
}
