using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Crd.Structure;

/// <summary>What x-kubernetes-embedded-resource asks of a value: it says what it is, in a form that could be an object's.</summary>
static class EmbeddedMetadata
{
    public static IReadOnlyList<FieldError> Check(JsonObject content, Structural schema)
    {
        var errors = new List<FieldError>();
        Walk(content, schema, "", errors);
        return errors;
    }

    static void Walk(JsonValue value, Structural? schema, string path, List<FieldError> errors)
    {
        if (schema is null) return;
        if (value is JsonObject o)
        {
            if (schema.Embedded) Embedded(o, path, errors);
            foreach (var (name, member) in o)
                Walk(member, schema.Properties.GetValueOrDefault(name) ?? schema.Additional, schema.Properties.ContainsKey(name) ? path.Length == 0 ? name : path + "." + name : $"{path}[{name}]", errors);
        }
        else if (value is JsonArray array)
            for (int i = 0; i < array.Count; i++) Walk(array[i], schema.Items, $"{path}[{i}]", errors);
    }

    static void Embedded(JsonObject o, string path, List<FieldError> errors)
    {
        string version = (o["apiVersion"] as JsonString)?.Value ?? "", kind = (o["kind"] as JsonString)?.Value ?? "";
        if (version.Length == 0) errors.Add(FieldError.Required(path + ".apiVersion", "must not be empty"));
        else if (Api.GroupVersion.Parse(version) is null) errors.Add(FieldError.Invalid(path + ".apiVersion", version, "unexpected GroupVersion string: " + version));
        if (kind.Length == 0) errors.Add(FieldError.Required(path + ".kind", "must not be empty"));
        else if (Names.Label1035(kind.ToLowerInvariant()) is [var first, ..] wrong) errors.Add(FieldError.Invalid(path + ".kind", kind, "may have mixed case, but should otherwise match: " + string.Join(",", wrong)));
        if (o["metadata"] is JsonObject meta && meta["name"] is JsonString { Value.Length: > 0 } name)
            foreach (string what in Names.PathSegment(name.Value)) errors.Add(FieldError.Invalid(path + ".metadata.name", name.Value, what));
    }
}
