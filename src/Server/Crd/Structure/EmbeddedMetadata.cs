using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;

namespace Hanbae.Server.Crd.Structure;

/// <summary>What x-kubernetes-embedded-resource asks of a value: it says what it is, and has the metadata that an object could have.</summary>
static class EmbeddedMetadata
{
    public static IReadOnlyList<FieldError> Check(JsonObject content, Structural schema)
    {
        var errors = new Findings();
        Walk(content, schema, null, errors);
        return errors;
    }

    static void Walk(JsonValue value, Structural? schema, FieldPath? at, Findings errors)
    {
        if (schema is null) return;
        if (value is JsonObject o)
        {
            if (schema.Embedded && at is not null) Embedded(o, at, errors);
            foreach (var (name, member) in o)
                if (schema.Properties.TryGetValue(name, out var property)) Walk(member, property, at?[name] ?? FieldPath.Of(name), errors);
                else Walk(member, schema.Additional, at?.Key(name) ?? FieldPath.Of(name), errors);
        }
        else if (value is JsonArray array && at is not null)
            for (int i = 0; i < array.Count; i++) Walk(array[i], schema.Items, at[i], errors);
    }

    static void Embedded(JsonObject o, FieldPath at, Findings errors)
    {
        if (Text(o, at, "apiVersion", errors) is { } version && Api.GroupVersion.Parse(version) is null)
            errors.Invalid(at["apiVersion"], version, "unexpected GroupVersion string: " + version);
        if (Text(o, at, "kind", errors) is { } kind && Names.Label1035(kind.ToLowerInvariant()) is { Count: > 0 } wrong)
            errors.Invalid(at["kind"], kind, "may have mixed case, but should otherwise match: " + string.Join(",", wrong));
        if (o["metadata"] is JsonObject meta) Machinery.Validate.Rules.Embedded(at["metadata"], Read(meta), errors);
        else if (o["metadata"] is { } other and not JsonNull)
            errors.InvalidAs(at["metadata"], SchemaValidator.Shown(other), $"json: cannot unmarshal {SchemaValidator.NameInGo(other)} into Go value of type v1.ObjectMeta");
    }

    static ObjectMeta Read(JsonObject meta)
    {
        var reader = new JsonReader(meta.ToUtf8());
        return ObjectMeta.ReadJson(ref reader);
    }

    /// <returns>Null when something is said already.</returns>
    static string? Text(JsonObject o, FieldPath at, string name, Findings errors)
    {
        switch (o[name])
        {
            case null or JsonString { Value.Length: 0 }: errors.Required(at[name]); return null;
            case JsonString text: return text.Value;
            case var other: errors.InvalidAs(at[name], SchemaValidator.Shown(other), "must be a string"); return null;
        }
    }
}
