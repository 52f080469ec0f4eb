using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;
using Hanbae.Server.Crd.Rules;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Definition;

/// <summary>What a version's schema has to be: structural, within what Kubernetes takes of OpenAPI, its defaults valid and its rules enforceable.</summary>
static class SchemaRules
{
    static readonly string[] s_types = ["array", "boolean", "integer", "number", "object", "string"];
    static readonly string[] s_reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

    /// <param name="unchanged">The version had the very schema before.</param>
    /// <param name="keepsAll">The schema only restricts: it need not be structural, and then has no defaults and no rules.</param>
    public static void Check(JSONSchemaProps schema, bool hasStatus, FieldPath at, bool unchanged, bool keepsAll, Findings errors)
    {
        var root = at["openAPIV3Schema"];
        if (hasStatus) Root(schema, at, errors);
        if (schema.Nullable) errors.Forbidden(at["openAPIV3Schema.nullable"], "nullable cannot be true at the root");
        var structural = Structural.Of(schema);
        var wrong = StructuralRules.Check(structural, root);
        if (!keepsAll) errors.AddRange(wrong);
        else if (structural.HasDefaults) errors.InvalidAs(FieldPath.Spec["preserveUnknownFields"], "true", "must be false in order to use defaults in the schema");
        var (defaults, nodes) = (new Findings(), new Findings());
        if (wrong.Count == 0) Defaults(structural, root, true, defaults);
        Node(schema, root, new(null, false), isRoot: true, nodes);
        errors.AddRange(defaults);
        errors.AddRange(nodes);
        // Rules rest on the schema: one above or at what is wrong would only say the same in worse words.
        if (wrong.Count + defaults.Count == 0)
            DefinedRules.Check(structural, root, unchanged, at => nodes.Exists(e => e.Field.StartsWith(at, StringComparison.Ordinal)), errors);
    }

    /// <summary>With a status subresource the status is checked by its own part of the schema: the root may hold nothing that would be lost.</summary>
    static void Root(JSONSchemaProps schema, FieldPath at, Findings errors)
    {
        if (schema.Type.Length > 0 && schema.Type != "object")
            errors.Invalid(at["openAPIV3Schema.type"], schema.Type, "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled");
        else if (schema with
        {
            Id = "", Schema = "", Ref = null, Nullable = false, PatternProperties = default, Dependencies = default, AdditionalItems = null, Definitions = default,
            XKubernetesEmbeddedResource = false, XKubernetesIntOrString = false, XKubernetesListMapKeys = default, XKubernetesListType = null, XKubernetesMapType = null,
            AllOf = default, AnyOf = default, OneOf = default, Not = null, Enum = default, Default = default, MaxProperties = null, MinProperties = null, AdditionalProperties = null,
        } != schema)
            errors.InvalidAs(at["openAPIV3Schema"], Shown.Message(schema),
                "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf "
                + "Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled");
    }

    static void Defaults(Structural s, FieldPath at, bool isRoot, Findings errors)
    {
        if (s.Default is { } value)
        {
            var unknown = new List<int>();
            var reader = new JsonReader(value.ToUtf8(), unknown);
            PrunedReader.Read(ref reader, s);
            if (unknown.Count > 0) errors.InvalidAs(at["default"], SchemaValidator.Shown(value), "must not have unknown fields");
            foreach (var error in SchemaValidator.Check(Defaulting.Apply(value, s), s))
                errors.Add(error with { Field = error.Field == "<nil>" ? at["default"].ToString() : $"{at["default"]}.{error.Field}" });
            var duplicates = new List<FieldError>();
            ListKeys.Check(value, s, at["default"].ToString(), duplicates);
            errors.AddRange(duplicates);
        }
        foreach (var (name, property) in s.Properties)
            if (!isRoot || name is not ("metadata" or "kind" or "apiVersion")) Defaults(property, at["properties"].Key(name), false, errors);
        if (s.Items is { } items) Defaults(items, at["items"], false, errors);
        if (s.Additional is { } more) Defaults(more, at["additionalProperties"], false, errors);
    }

    /// <param name="NoDefaults">Why there may be none, or null.</param>
    sealed record Context(string? NoDefaults, bool InMeta);

    static void Node(JSONSchemaProps s, FieldPath at, Context context, bool isRoot, Findings errors)
    {
        Standard(s, at, context, errors);
        if (s.UniqueItems) errors.Forbidden(at["uniqueItems"], "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        if (s.AdditionalProperties is { } more)
        {
            if (!s.Properties.IsEmpty && (!more.Allows || more.One is not null)) errors.Forbidden(at["additionalProperties"], "additionalProperties and properties are mutual exclusive");
            if (more.One is { } one)
                Node(one, at["additionalProperties"], context.InMeta ? context with { NoDefaults = "inside additionalProperties applying to object metadata" } : context, false, errors);
        }
        foreach (var (name, property) in s.Properties)
        {
            var below = context;
            if ((isRoot || s.XKubernetesEmbeddedResource) && name is "metadata" or "kind" or "apiVersion")
                below = below with { InMeta = true, NoDefaults = isRoot ? "in top-level " + name : below.NoDefaults };
            Node(property, at["properties"].Key(name), below, false, errors);
        }
        if (s.Not is { } not) Node(not, at["not"], context, false, errors);
        for (int i = 0; i < s.AllOf.Count; i++) Node(s.AllOf[i], at["allOf"][i], context, false, errors);
        for (int i = 0; i < s.OneOf.Count; i++) Node(s.OneOf[i], at["oneOf"][i], context, false, errors);
        for (int i = 0; i < s.AnyOf.Count; i++) Node(s.AnyOf[i], at["anyOf"][i], context, false, errors);
        if (s.Items?.One is { } items) Node(items, at["items"], context, false, errors);
        Extensions(s, at, errors);
        for (int i = 0; i < s.XKubernetesValidations.Count; i++) Rule(s.XKubernetesValidations[i], s, at["x-kubernetes-validations"][i], errors);
    }

    static void Standard(JSONSchemaProps s, FieldPath at, Context context, Findings errors)
    {
        if (s.Type == "null") errors.Forbidden(at["type"], "type cannot be set to null, use nullable as an alternative");
        errors.OneOf(at["type"], s.Type.Length == 0 ? "object" : s.Type, s_types);
        if (!s.Default.IsNil && context.NoDefaults is { } why) errors.Forbidden(at["default"], "must not be set " + why);
        if (s.Id.Length > 0) errors.Forbidden(at["id"], "id is not supported");
        if (s.AdditionalItems is not null) errors.Forbidden(at["additionalItems"], "additionalItems is not supported");
        if (!s.PatternProperties.IsEmpty) errors.Forbidden(at["patternProperties"], "patternProperties is not supported");
        if (!s.Definitions.IsEmpty) errors.Forbidden(at["definitions"], "definitions is not supported");
        if (!s.Dependencies.IsNil) errors.Forbidden(at["dependencies"], "dependencies is not supported");
        if (s.Ref is not null) errors.Forbidden(at["$ref"], "$ref is not supported");
        if (s.Items is { Many.IsEmpty: false }) errors.Forbidden(at["items"], "items must be a schema object and not an array");
        if (context.InMeta && s.XKubernetesEmbeddedResource) errors.Forbidden(at["x-kubernetes-embedded-resource"], "must not be used inside of resource meta");
    }

    static void Extensions(JSONSchemaProps s, FieldPath at, Findings errors)
    {
        if (s.XKubernetesPreserveUnknownFields == false) errors.InvalidAs(at["x-kubernetes-preserve-unknown-fields"], "false", "must be true or undefined");
        Typed(s, s.XKubernetesMapType, "object", "x-kubernetes-map-type", at, errors);
        if (s.XKubernetesMapType is { } map) errors.OneOf(at["x-kubernetes-map-type"], map, "atomic", "granular");
        var (listType, items) = (s.XKubernetesListType, s.Items?.One);
        if (!Typed(s, listType, "array", "x-kubernetes-list-type", at, errors) && listType == "set" && items is not null)
        {
            if (items.Type == "array" && items.XKubernetesListType is not (null or "atomic"))
                errors.Invalid(at["items"]["x-kubernetes-list-type"], items.XKubernetesListType, "must be atomic as item of a list with x-kubernetes-list-type=set");
            if (items.Type == "object" && items.XKubernetesMapType != "atomic")
                errors.InvalidAs(at["items"]["x-kubernetes-map-type"], items.XKubernetesMapType is { } shown ? FieldError.Quoted(shown) : "null", "must be atomic as item of a list with x-kubernetes-list-type=set");
        }
        if (listType is not null) errors.OneOf(at["x-kubernetes-list-type"], listType, "atomic", "set", "map");
        if (!s.XKubernetesListMapKeys.IsEmpty)
        {
            if (listType is null) errors.Required(at["x-kubernetes-list-type"], "must be map if x-kubernetes-list-map-keys is non-empty");
            else if (listType != "map") errors.Invalid(at["x-kubernetes-list-type"], listType, "must be map if x-kubernetes-list-map-keys is non-empty");
        }
        if (listType == "map") MapList(s, items, at, errors);
        if (listType is "set" or "map" && items is { Nullable: true }) errors.Forbidden(at["items"]["nullable"], "cannot be nullable when x-kubernetes-list-type is " + listType);
    }

    /// <returns>Whether the type is the wrong one.</returns>
    static bool Typed(JSONSchemaProps s, string? extension, string type, string name, FieldPath at, Findings errors)
    {
        if (extension is null || s.Type == type) return false;
        string rule = $"must be {type} if {name} is specified";
        if (s.Type.Length == 0) errors.Required(at["type"], rule);
        else errors.Invalid(at["type"], s.Type, rule);
        return true;
    }

    static void MapList(JSONSchemaProps s, JSONSchemaProps? items, FieldPath at, Findings errors)
    {
        var keys = s.XKubernetesListMapKeys;
        if (keys.IsEmpty) errors.Required(at["x-kubernetes-list-map-keys"], "must not be empty if x-kubernetes-list-type is map");
        if (s.Items is null) errors.Required(at["items"], "must have a schema if x-kubernetes-list-type is map");
        if (items is null) return;
        if (items.Type != "object")
        {
            errors.Invalid(at["items"]["type"], items.Type, "must be object if parent array's x-kubernetes-list-type is map");
            return;
        }
        for (int i = 0; i < keys.Count; i++)
        {
            string key = keys[i];
            var where = at["items"]["properties"].Key(key);
            if (!items.Properties.TryGet(key, out var property)) errors.InvalidAs(at["x-kubernetes-list-map-keys"], Shown.List(keys), "entries must all be names of item properties");
            else
            {
                if (property.Type is "array" or "object") errors.Invalid(where["type"], items.Type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
                if (!items.Required.Contains(key) && property.Default.IsNil)
                    errors.Required(where["default"], "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
                if (property.Nullable) errors.Forbidden(where["nullable"], "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
            }
            if (keys.Span[..i].Contains(key)) errors.InvalidAs(at["x-kubernetes-list-map-keys"], Shown.List(keys), "must not contain duplicate entries");
        }
    }

    static void Rule(ValidationRule rule, JSONSchemaProps schema, FieldPath at, Findings errors)
    {
        static bool Broken(string text) => text.AsSpan().ContainsAny('\n', '\r');
        string text = rule.Rule.Trim(), message = rule.Message.Trim();
        if (text.Length == 0) errors.Required(at["rule"], "rule is not specified");
        else if (rule.Message.Length > 0 && message.Length == 0) errors.Invalid(at["message"], rule.Message, "message must be non-empty if specified");
        else if (Broken(message)) errors.Invalid(at["message"], rule.Message, "message must not contain line breaks");
        else if (Broken(text) && message.Length == 0) errors.Required(at["message"], "message must be specified if rule contains line breaks");
        if (rule.MessageExpression.Length > 0 && rule.MessageExpression.Trim().Length == 0) errors.Required(at["messageExpression"], "messageExpression must be non-empty if specified");
        if (rule.Reason is { } reason) errors.OneOf(at["reason"], reason, s_reasons);
        if (rule.FieldPath.Length > 0 && rule.FieldPath.Trim().Length == 0) errors.Invalid(at["fieldPath"], rule.FieldPath, "fieldPath must be non-empty if specified");
        if (Broken(rule.FieldPath)) errors.Invalid(at["fieldPath"], rule.FieldPath, "fieldPath must not contain line breaks");
        if (rule.FieldPath.Length > 0 && SchemaPath.Of(rule.FieldPath, Structural.Of(schema), out _) is null) errors.Invalid(at["fieldPath"], rule.FieldPath, "fieldPath must be a valid path");
    }
}
