using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Definition;

/// <summary>What a CustomResourceDefinition has to be, in upstream's words.</summary>
/// <remarks>
/// Upstream validates a form in which what all versions have alike (always so with one version) stands at the top, so its paths say
/// <c>spec.validation</c> rather than <c>spec.versions[0].schema</c>; clients and people know the messages in that form.
/// </remarks>
static class DefinitionRules
{
    const int MostSelectableFields = 8, LongestWarning = 256;
    static readonly string[] s_columnTypes = ["boolean", "date", "integer", "number", "string"], s_columnFormats = ["binary", "bool", "byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

    /// <param name="mayKeepAll">Written through apiextensions.k8s.io/v1beta1.</param>
    public static IReadOnlyList<FieldError> Create(CustomResourceDefinition crd, bool mayKeepAll = false)
    {
        var errors = new Findings();
        if (crd.Metadata.Name != $"{crd.Spec.Names.Plural}.{crd.Spec.Group}") errors.Invalid(FieldPath.Metadata["name"], crd.Metadata.Name, "must be spec.names.plural+\".\"+spec.group");
        Common(crd, null, mayKeepAll, errors);
        if (DefinitionStatus.IsProtected(crd.Spec.Group)) Approval(crd, errors);
        return errors;
    }

    public static IReadOnlyList<FieldError> Update(CustomResourceDefinition crd, CustomResourceDefinition old, string subresource, bool mayKeepAll = false)
    {
        var errors = new Findings();
        if (subresource == "status")
        {
            Names(FieldPath.Of("status")["acceptedNames"], crd.Status.AcceptedNames, errors);
            return errors;
        }
        var (spec, was) = (crd.Spec, old.Spec);
        // The server's own writes and those of clients that only touch metadata need not look at a large schema again.
        if (crd.Spec != old.Spec || crd.Status != old.Status) Common(crd, old, mayKeepAll || was.PreserveUnknownFields, errors);
        if (DefinitionStatus.IsTrue(old, "Established"))
        {
            errors.Unchanged(FieldPath.Spec["scope"], spec.Scope, was.Scope);
            errors.Unchanged(FieldPath.Spec["names"]["kind"], spec.Names.Kind, was.Names.Kind);
        }
        errors.Unchanged(FieldPath.Spec["group"], spec.Group, was.Group);
        errors.Unchanged(FieldPath.Spec["names"]["plural"], spec.Names.Plural, was.Names.Plural);
        if (DefinitionStatus.IsProtected(spec.Group) && DefinitionStatus.ApprovalOf(crd.Metadata).Reason != DefinitionStatus.ApprovalOf(old.Metadata).Reason) Approval(crd, errors);
        return errors;
    }

    static void Approval(CustomResourceDefinition crd, Findings errors)
    {
        var (valid, reason, message) = DefinitionStatus.ApprovalOf(crd.Metadata);
        if (valid != false) return;
        var at = FieldPath.Metadata["annotations"].Key(DefinitionStatus.ApprovalAnnotation);
        if (reason == "MissingAnnotation") errors.Required(at, message);
        else errors.Invalid(at, crd.Metadata.Annotations[DefinitionStatus.ApprovalAnnotation] ?? "", message);
    }

    static void Common(CustomResourceDefinition crd, CustomResourceDefinition? old, bool mayKeepAll, Findings errors)
    {
        var spec = crd.Spec;
        var at = FieldPath.Spec;
        if (spec.Group.Length == 0) errors.Required(at["group"]);
        else if (Machinery.Validate.Names.Subdomain(spec.Group) is { Count: > 0 } wrong) errors.Invalid(at["group"], spec.Group, string.Join(",", wrong));
        else if (!spec.Group.Contains('.')) errors.Invalid(at["group"], spec.Group, "should be a domain with at least one dot");
        errors.RequiredOneOf(at["scope"], spec.Scope, "Cluster", "Namespaced");

        bool keepsAll = spec.PreserveUnknownFields && mayKeepAll;
        bool sameSchema = Same(v => v.Schema), sameSubresources = Same(v => v.Subresources), sameColumns = Same(v => v.AdditionalPrinterColumns);
        bool sameSelectable = sameSchema && Same(v => v.SelectableFields);
        for (int i = 0; i < spec.Versions.Count; i++)
        {
            var version = spec.Versions[i];
            var here = at["versions"][i];
            if (version.Schema?.OpenAPIV3Schema is null && !keepsAll) errors.Required(here["schema"]["openAPIV3Schema"], "schemas are required");
            if (Machinery.Validate.Names.Label1035(version.Name) is { Count: > 0 } bad)
            {
                errors.Invalid(here["name"], version.Name, string.Join(",", bad));
                if (i == 0) errors.Invalid(at["version"], version.Name, string.Join(",", bad));
            }
            Warning(here["deprecationWarning"], version, errors);
            if (version.Schema?.OpenAPIV3Schema is { } schema && (!sameSchema || i == 0))
            {
                bool unchanged = old?.Spec.Versions.Find(v => v.Name == version.Name)?.Schema == version.Schema;
                bool hasStatus = sameSchema ? spec.Versions.Exists(v => v.Subresources?.Status is not null) : version.Subresources?.Status is not null;
                SchemaRules.Check(schema, hasStatus, sameSchema ? at["validation"] : here["schema"], unchanged, keepsAll, errors);
            }
            if (!sameSubresources || i == 0) Subresources((sameSubresources ? at : here)["subresources"], version.Subresources, errors);
            for (int c = 0; c < version.AdditionalPrinterColumns.Count && (!sameColumns || i == 0); c++)
                Column((sameColumns ? at : here)["additionalPrinterColumns"][c], version.AdditionalPrinterColumns[c], errors);
            if (!sameSelectable || i == 0) Selectable((sameSelectable ? at : here)["selectableFields"], version, errors);
        }
        string shown = Shown.Messages(spec.Versions);
        if (spec.Versions.Select(v => v.Name).Distinct().Count() != spec.Versions.Count) errors.InvalidAs(at["versions"], shown, "must contain unique version names");
        if (spec.Versions.Count(v => v.Storage) != 1) errors.InvalidAs(at["versions"], shown, "must have exactly one version marked as storage version");

        if (spec.Names.Plural.Length == 0) errors.Required(at["names"]["plural"]);
        if (spec.Names.Singular.Length == 0) errors.Required(at["names"]["singular"]);
        if (spec.Names.Kind.Length == 0) errors.Required(at["names"]["kind"]);
        if (spec.Names.ListKind.Length == 0) errors.Required(at["names"]["listKind"]);
        Names(at["names"], spec.Names, errors);
        if (spec.Conversion is { } conversion)
        {
            if (spec.PreserveUnknownFields && conversion.Strategy != "None") errors.Invalid(at["conversion"]["strategy"], conversion.Strategy, "must be None if spec.preserveUnknownFields is true");
            ConversionRules.Check(at["conversion"], conversion, old?.Spec.Conversion, errors);
        }
        Names(FieldPath.Of("status")["acceptedNames"], crd.Status.AcceptedNames, errors);
        StoredVersions(crd, errors);
        if (spec.PreserveUnknownFields && !mayKeepAll)
            errors.InvalidAs(at["preserveUnknownFields"], "true", "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");

        bool Same<T>(Func<CustomResourceDefinitionVersion, T> part) => spec.Versions.All(v => EqualityComparer<T>.Default.Equals(part(v), part(spec.Versions[0])));
    }

    static void StoredVersions(CustomResourceDefinition crd, Findings errors)
    {
        var at = FieldPath.Of("status")["storedVersions"];
        var stored = crd.Status.StoredVersions;
        if (stored.IsEmpty)
        {
            errors.InvalidAs(at, "[]", "must have at least one stored version");
            return;
        }
        foreach (var version in crd.Spec.Versions)
            if (version.Storage && !stored.Contains(version.Name)) errors.InvalidAs(at, Shown.List(stored), "must have the storage version " + version.Name);
        for (int i = 0; i < stored.Count; i++)
            if (!crd.Spec.Versions.Exists(v => v.Name == stored[i]))
                errors.Invalid(at[i], stored[i], $"missing from spec.versions; {stored[i]} was previously a storage version, and must remain in spec.versions "
                    + $"until a storage migration ensures no data remains persisted in {stored[i]} and removes {stored[i]} from status.storedVersions");
    }

    static void Warning(FieldPath at, CustomResourceDefinitionVersion version, Findings errors)
    {
        if (version.DeprecationWarning is not { } text) return;
        if (!version.Deprecated)
        {
            errors.Invalid(at, text, "can only be set for deprecated versions");
            return;
        }
        if (Encoding.UTF8.GetByteCount(text) > LongestWarning) errors.Invalid(at, text, "must be <= 256 characters long");
        if (text.Length == 0) errors.Invalid(at, text, "must not be an empty string");
        int place = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (!GoQuote.IsPrintable(rune))
            {
                errors.Invalid(at, text, $"must only contain printable UTF-8 characters; non-printable character found at index {place}");
                return;
            }
            place += rune.Utf8SequenceLength;
        }
    }

    static void Names(FieldPath at, CustomResourceDefinitionNames names, Findings errors)
    {
        void Label(FieldPath where, string name, string before = "")
        {
            if (name.Length > 0 && Machinery.Validate.Names.Label1035(before.Length > 0 ? name.ToLowerInvariant() : name) is { Count: > 0 } wrong) errors.Invalid(where, name, before + string.Join(",", wrong));
        }
        const string Mixed = "may have mixed case, but should otherwise match: ";
        Label(at["plural"], names.Plural);
        Label(at["singular"], names.Singular);
        Label(at["kind"], names.Kind, Mixed);
        Label(at["listKind"], names.ListKind, Mixed);
        for (int i = 0; i < names.ShortNames.Count; i++) Label(at["shortNames"][i], names.ShortNames[i]);
        if (names.Kind.Length > 0 && names.Kind == names.ListKind) errors.Invalid(at["listKind"], names.ListKind, "kind and listKind may not be the same");
        for (int i = 0; i < names.Categories.Count; i++) Label(at["categories"][i], names.Categories[i]);
    }

    static void Column(FieldPath at, CustomResourceColumnDefinition column, Findings errors)
    {
        if (column.Name.Length == 0) errors.Required(at["name"]);
        string types = "must be one of " + string.Join(",", s_columnTypes);
        if (column.Type.Length == 0) errors.Required(at["type"], types);
        else if (!s_columnTypes.Contains(column.Type)) errors.Invalid(at["type"], column.Type, types);
        if (column.Format.Length > 0 && !s_columnFormats.Contains(column.Format)) errors.Invalid(at["format"], column.Format, "must be one of " + string.Join(",", s_columnFormats));
        if (column.JsonPath.Length == 0) errors.Required(at["JSONPath"]);
        else SimplePath(at["JSONPath"], column.JsonPath, errors);
    }

    /// <returns>Whether it is one.</returns>
    static bool SimplePath(FieldPath at, string path, Findings errors)
    {
        if (path[0] == '.') return true;
        errors.Invalid(at, path, "must be a simple json path starting with .");
        return false;
    }

    static void Selectable(FieldPath at, CustomResourceDefinitionVersion version, Findings errors)
    {
        if (version.SelectableFields.IsEmpty || version.Schema?.OpenAPIV3Schema is not { } schema) return;
        var root = Structural.Of(schema);
        var seen = new HashSet<string>();
        for (int i = 0; i < version.SelectableFields.Count; i++)
        {
            string path = version.SelectableFields[i].JsonPath;
            var here = at[i]["jsonPath"];
            if (path.Length == 0) { errors.Required(here); continue; }
            if (SchemaPath.Of(path, root, out string wrong, brackets: false) is not { } found)
            {
                errors.Invalid(here, path, "is an invalid path: " + wrong);
                continue;
            }
            if (found.Steps[0].Name == "metadata") errors.Invalid(here, path, "must not point to fields in metadata");
            if (found.Schema.Type is not ("string" or "boolean" or "integer"))
                errors.Invalid(here, path, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
            if (!seen.Add(path)) errors.Duplicate(here, path);
        }
        if (seen.Count > MostSelectableFields) errors.TooMany(at, seen.Count, MostSelectableFields);
    }

    static void Subresources(FieldPath at, CustomResourceSubresources? subresources, Findings errors)
    {
        if (subresources?.Scale is not { } scale) return;
        Replicas(at["scale.specReplicasPath"], scale.SpecReplicasPath, ".spec.", "should be a json path under .spec", errors);
        Replicas(at["scale.statusReplicasPath"], scale.StatusReplicasPath, ".status.", "should be a json path under .status", errors);
        if (scale.LabelSelectorPath is { Length: > 0 } selector && SimplePath(at["scale.labelSelectorPath"], selector, errors)
            && !selector.StartsWith(".spec.", StringComparison.Ordinal) && !selector.StartsWith(".status.", StringComparison.Ordinal))
            errors.Invalid(at["scale.labelSelectorPath"], selector, "should be a json path under either .spec or .status");
    }

    static void Replicas(FieldPath at, string path, string below, string rule, Findings errors)
    {
        if (path.Length == 0) errors.Required(at);
        else if (SimplePath(at, path, errors) && !path.StartsWith(below, StringComparison.Ordinal)) errors.Invalid(at, path, rule);
    }
}
