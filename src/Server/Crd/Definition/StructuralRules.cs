using Hanbae.Api.Apiextensions.V1;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Definition;

/// <summary>What makes a schema structural: shape outside of value restrictions, types everywhere, metadata left alone.</summary>
static class StructuralRules
{
    enum Level { Root, Item, Field }

    /// <summary>What a stored definition is to be told as NonStructuralSchema; only those of before v1 have any.</summary>
    public static IReadOnlyList<FieldError> OfDefinition(CustomResourceDefinition crd)
    {
        var errors = new Findings();
        if (!crd.Spec.PreserveUnknownFields) return errors;
        errors.InvalidAs(FieldPath.Spec["preserveUnknownFields"], "true", "must be false");
        for (int i = 0; i < crd.Spec.Versions.Count; i++)
            if (crd.Spec.Versions[i].Schema?.OpenAPIV3Schema is { } schema) errors.AddRange(Check(Structural.Of(schema), FieldPath.Spec["versions"][i]["schema"]["openAPIV3Schema"]));
        return errors;
    }

    /// <summary>In order of their text, as upstream.</summary>
    public static IReadOnlyList<FieldError> Check(Structural root, FieldPath at)
    {
        var errors = new Findings();
        Node(root, Level.Root, at, errors);
        Complete(root, at, errors);
        errors.Sort((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));
        return errors;
    }

    static void Node(Structural s, Level level, FieldPath at, Findings errors)
    {
        if (s.Type == "array" && s.Items is null) errors.Required(at["items"], "must be specified");
        if (s.Items is { } items) Node(items, Level.Item, at["items"], errors);
        foreach (var (name, property) in s.Properties) Node(property, Level.Field, at["properties"].Key(name), errors);
        if (s.HasAdditional)
        {
            if (level == Level.Root) errors.Forbidden(at["additionalProperties"], "must not be used at the root");
            if (s.Additional is { } more) Node(more, Level.Field, at["additionalProperties"], errors);
        }
        if (s.IntOrString && s.Preserves) errors.InvalidAs(at["x-kubernetes-preserve-unknown-fields"], "true", "must be false if x-kubernetes-int-or-string is true");
        if (s.IntOrString && s.Embedded) errors.InvalidAs(at["x-kubernetes-embedded-resource"], "true", "must be false if x-kubernetes-int-or-string is true");
        Values(s, at, IsIntOrString(s.AnyOf), s.AllOf is [var first, ..] && IsIntOrString(first.AnyOf), errors);
        if (s.Embedded && s.Type != "object")
        {
            if (s.Type.Length == 0) errors.Required(at["type"], "must be object if x-kubernetes-embedded-resource is true");
            else errors.Invalid(at["type"], s.Type, "must be object if x-kubernetes-embedded-resource is true");
        }
        else if (s is { Type.Length: 0, IntOrString: false, Preserves: false })
            errors.Required(at["type"], level switch { Level.Root => "must not be empty at the root", Level.Item => "must not be empty for specified array items", _ => "must not be empty for specified object fields" });
        if (s.Embedded && s.HasAdditional) errors.Forbidden(at["additionalProperties"], "must not be used if x-kubernetes-embedded-resource is set");
        if (level == Level.Root && s.Type.Length > 0 && s.Type != "object") errors.Invalid(at["type"], s.Type, "must be object at the root");
        if (level == Level.Root || s.Embedded) TypeMeta(s, level == Level.Root, at["properties"], errors);
        if (s is { Embedded: true, Preserves: false, Properties.Count: 0 })
            errors.Required(at["properties"], "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
    }

    static void TypeMeta(Structural s, bool root, FieldPath at, Findings errors)
    {
        foreach (string name in (ReadOnlySpan<string>)["kind", "apiVersion"])
            if (s.Properties.TryGetValue(name, out var property) && property.Type != "string") errors.Invalid(at.Key(name)["type"], property.Type, "must be string");
        if (!s.Properties.TryGetValue("metadata", out var metadata)) return;
        if (metadata.Type != "object") errors.Invalid(at.Key("metadata")["type"], metadata.Type, "must be object");
        // All that a definition may restrict of metadata is the name.
        var props = metadata.Props;
        bool onlyNames = metadata.Properties.Keys.All(k => k is "name" or "generateName");
        if (root && (!onlyNames || props with { Properties = default, Type = "", Default = default, Description = "" } != JSONSchemaProps.Empty))
            errors.Forbidden(at.Key("metadata"), "must not specify anything other than name and generateName, but metadata is implicitly specified");
    }

    static bool IsIntOrString(System.Collections.Immutable.ImmutableArray<Structural> alternatives) =>
        alternatives is [var a, var b] && a.Props == new JSONSchemaProps { Type = "integer" } && b.Props == new JSONSchemaProps { Type = "string" };

    static void Values(Structural s, FieldPath at, bool skipAnyOf, bool skipFirstAllOf, Findings errors)
    {
        if (!skipAnyOf) for (int i = 0; i < s.AnyOf.Length; i++) Nested(s.AnyOf[i], at["anyOf"][i], false, errors);
        for (int i = 0; i < s.AllOf.Length; i++) Nested(s.AllOf[i], at["allOf"][i], skipFirstAllOf && i == 0, errors);
        for (int i = 0; i < s.OneOf.Length; i++) Nested(s.OneOf[i], at["oneOf"][i], false, errors);
        if (s.Not is { } not) Nested(not, at["not"], false, errors);
        if (s.Props.Pattern.Length > 0 && s.Pattern is null)
            errors.Invalid(at["pattern"], s.Props.Pattern, $"must be a valid regular expression, but isn't: error parsing regexp: {FieldError.Quoted(s.Props.Pattern)}");
    }

    static void Nested(Structural s, FieldPath at, bool skipAnyOf, Findings errors)
    {
        Values(s, at, skipAnyOf, false, errors);
        if (s.Items is { } items) Nested(items, at["items"], false, errors);
        foreach (var (name, property) in s.Properties) Nested(property, at["properties"].Key(name), false, errors);
        void Empty(bool isSet, string name, string rule) { if (isSet) errors.Forbidden(at[name], $"must be {rule} to be structural"); }
        var p = s.Props;
        Empty(p.Type.Length > 0, "type", "empty");
        Empty(s.HasAdditional, "additionalProperties", "undefined");
        Empty(s.Default is not null, "default", "undefined");
        Empty(p.Title.Length > 0, "title", "empty");
        Empty(p.Description.Length > 0, "description", "empty");
        Empty(p.Nullable, "nullable", "false");
        Empty(s.Preserves, "x-kubernetes-preserve-unknown-fields", "false");
        Empty(s.Embedded, "x-kubernetes-embedded-resource", "false");
        Empty(s.IntOrString, "x-kubernetes-int-or-string", "false");
        Empty(!p.XKubernetesListMapKeys.IsEmpty, "x-kubernetes-list-map-keys", "empty");
        Empty(p.XKubernetesListType is not null, "x-kubernetes-list-type", "undefined");
        Empty(p.XKubernetesMapType is not null, "x-kubernetes-map-type", "undefined");
        if (s.Properties.ContainsKey("metadata")) errors.Forbidden(at["properties"].Key("metadata"), "must not be specified in a nested context");
    }

    /// <summary>Whatever a restriction names is named by the shape as well.</summary>
    static void Complete(Structural s, FieldPath at, Findings errors)
    {
        Covered(s, s, at, at, errors);
        if (s.Items is { } items) Complete(items, at["items"], errors);
        if (s.Additional is { } more) Complete(more, at["additionalProperties"], errors);
        foreach (var (name, property) in s.Properties) Complete(property, at["properties"].Key(name), errors);
    }

    static void Covered(Structural restriction, Structural shape, FieldPath at, FieldPath by, Findings errors)
    {
        void All(System.Collections.Immutable.ImmutableArray<Structural> parts, string name)
        {
            for (int i = 0; i < parts.Length; i++) Part(parts[i], shape, at, by[name][i], errors);
        }
        All(restriction.AllOf, "allOf");
        All(restriction.AnyOf, "anyOf");
        All(restriction.OneOf, "oneOf");
        if (restriction.Not is { } not) Part(not, shape, at, by["not"], errors);
    }

    static void Part(Structural restriction, Structural? shape, FieldPath at, FieldPath by, Findings errors)
    {
        if (shape is null)
        {
            errors.Required(at, $"because it is defined in {by}");
            return;
        }
        Covered(restriction, shape, at, by, errors);
        if (restriction.Items is { } items) Part(items, shape.Items, at["items"], by["items"], errors);
        foreach (var (name, property) in restriction.Properties)
            if (shape.Properties.TryGetValue(name, out var known)) Part(property, known, at["properties"].Key(name), by["properties"].Key(name), errors);
            else if (shape.Additional is { } more) Part(property, more, at["additionalProperties"], by["properties"].Key(name), errors);
            else errors.Required(at["properties"].Key(name), $"because it is defined in {by["properties"].Key(name)}");
    }
}
