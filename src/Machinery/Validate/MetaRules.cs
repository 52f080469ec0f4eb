using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What every object's metadata has to be. That there is a name, and that it stays, the registry sees to.</summary>
static class MetaRules
{
    const int AnnotationBytes = 256 << 10, LongestManager = 128;

    public static void Create(ObjectMeta meta, bool namespaced, Func<string, IReadOnlyList<string>> name, Errors errors) => Create(FieldPath.Metadata, meta, namespaced, name, errors);

    public static void Create(FieldPath at, ObjectMeta meta, bool namespaced, Func<string, IReadOnlyList<string>> name, Errors errors)
    {
        if (meta.GenerateName.Length > 0) errors.Invalid(at["generateName"], meta.GenerateName, Names.Generated(meta.GenerateName, name));
        if (meta.Name.Length > 0) errors.Invalid(at["name"], meta.Name, name(meta.Name));
        if (namespaced && meta.Namespace.Length > 0) errors.Invalid(at["namespace"], meta.Namespace, Names.Label(meta.Namespace));
        else if (!namespaced && meta.Namespace.Length > 0) errors.Forbidden(at["namespace"], "not allowed on this type");
        Common(at, meta, errors);
    }

    public static void Update(ObjectMeta meta, ObjectMeta old, Errors errors)
    {
        var at = FieldPath.Metadata;
        if (meta.Generation < old.Generation) errors.Invalid(at["generation"], meta.Generation, "must not be decremented");
        // Most updates change none of what is looked at here.
        if (meta.Labels == old.Labels && meta.Annotations == old.Annotations && meta.OwnerReferences == old.OwnerReferences
            && meta.Finalizers == old.Finalizers && meta.ManagedFields == old.ManagedFields) return;
        Common(at, meta, errors);
    }

    static void Common(FieldPath at, ObjectMeta meta, Errors errors)
    {
        errors.NotNegative(at["generation"], meta.Generation);
        LabelRules.Labels(at["labels"], meta.Labels, errors);
        Annotations(at["annotations"], meta.Annotations, errors);
        Owners(at["ownerReferences"], meta.OwnerReferences, errors);
        Finalizers(at["finalizers"], meta.Finalizers, errors);
        foreach (var (i, entry) in meta.ManagedFields.Index()) ManagedFields(at["managedFields"][i], entry, errors);
    }

    public static void Annotations(FieldPath at, Map<string> annotations, Errors errors)
    {
        long size = 0;
        foreach (var (key, value) in annotations)
        {
            // Upper case is tolerated here.
            errors.Invalid(at, key, LabelSyntax.KeyErrors(key.ToLowerInvariant()));
            size += System.Text.Encoding.UTF8.GetByteCount(key) + System.Text.Encoding.UTF8.GetByteCount(value);
        }
        if (size > AnnotationBytes) errors.TooLong(at, AnnotationBytes);
    }

    /// <summary>Of what will be made from a template only labels and annotations are its own.</summary>
    public static void Template(FieldPath at, ObjectMeta meta, Errors errors)
    {
        Annotations(at["annotations"], meta.Annotations, errors);
        LabelRules.Labels(at["labels"], meta.Labels, errors);
        const string not = "cannot be set";
        foreach (var (name, set) in (ReadOnlySpan<(string, bool)>)[("name", meta.Name.Length > 0), ("generateName", meta.GenerateName.Length > 0), ("namespace", meta.Namespace.Length > 0),
            ("uID", meta.Uid.Length > 0), ("resourceVersion", meta.ResourceVersion.Length > 0), ("generation", meta.Generation != 0), ("ownerReferences", !meta.OwnerReferences.IsEmpty),
            ("finalizers", !meta.Finalizers.IsEmpty), ("managedFields", !meta.ManagedFields.IsEmpty)])
            if (set) errors.Forbidden(at[name], not);
    }

    static void Owners(FieldPath at, Seq<OwnerReference> owners, Errors errors)
    {
        OwnerReference? controller = null;
        foreach (var owner in owners)
        {
            int slash = owner.ApiVersion.LastIndexOf('/');
            if (owner.ApiVersion.Length == slash + 1) errors.Invalid(at["apiVersion"], owner.ApiVersion, "version must not be empty");
            if (owner.Kind.Length == 0) errors.Invalid(at["kind"], owner.Kind, "kind must not be empty");
            if (owner.Name.Length == 0) errors.Invalid(at["name"], owner.Name, "name must not be empty");
            if (owner.Uid.Length == 0) errors.Invalid(at["uid"], owner.Uid, "uid must not be empty");
            if (owner is { Kind: "Event", ApiVersion: "v1" }) errors.InvalidAs(at, Shown.Message(owner), "/v1, Kind=Event is disallowed from being an owner");
            if (owner.Controller != true) continue;
            if (controller is not null)
                errors.InvalidAs(at, Shown.Messages(owners), $"Only one reference can have Controller set to true. Found \"true\" in references for {controller.Name} and {owner.Name}");
            controller ??= owner;
        }
    }

    static void Finalizers(FieldPath at, Seq<string> finalizers, Errors errors)
    {
        bool orphan = false, foreground = false;
        foreach (string finalizer in finalizers)
        {
            errors.Invalid(at, finalizer, LabelSyntax.KeyErrors(finalizer));
            orphan |= finalizer == "orphan";
            foreground |= finalizer == "foregroundDeletion";
        }
        if (orphan && foreground) errors.InvalidAs(at, Shown.List(finalizers), "finalizer set can not contain both orphan and foregroundDeletion");
    }

    static void ManagedFields(FieldPath at, ManagedFieldsEntry entry, Errors errors)
    {
        if (entry.Operation is not ("Apply" or "Update")) errors.Invalid(at["operation"], entry.Operation, "must be `Apply` or `Update`");
        if (entry.FieldsType is not ("" or "FieldsV1")) errors.Invalid(at["fieldsType"], entry.FieldsType, "must be `FieldsV1`");
        if (entry.Manager.Length > LongestManager) errors.TooLong(at["manager"], LongestManager);
        foreach (char c in entry.Manager)
            if (char.IsControl(c)) { errors.Invalid(at["manager"], entry.Manager, "should only contain printable characters"); break; }
    }
}
