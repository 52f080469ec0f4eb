using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Server.Crd.Served;

namespace Hanbae.Server.OpenApi;

/// <summary>Writes definitions. Version 3 publishes defaults and wraps a reference that has company into <c>allOf</c>; version 2, as upstream's, knows neither.</summary>
/// <param name="served">The versions whose DeleteOptions and WatchEvents these are.</param>
sealed class SchemaWriter(Utf8JsonWriter json, bool v3, IReadOnlyCollection<GroupVersion> served)
{
    const string ApiVersionDoc = "Group and version that the object is written in, such as v1 or apps/v1.";
    const string KindDoc = "What the object is, such as Pod; with apiVersion, it says which fields there are.";

    readonly string _prefix = v3 ? "#/components/schemas/" : "#/definitions/";

    public void Write(Definitions.Definition definition)
    {
        json.WritePropertyName(definition.Name);
        if (definition.Custom is { } custom) json.WriteRawValue(CustomSchema.Of(custom, v3));
        else if (definition.ListOf is { } kind) List(kind);
        else if (definition.Type is { } type) Type(type);
        else SpecialSchemas.Write(json, definition.Name, v3);
    }

    public void Ref(string name) => json.WriteString("$ref", _prefix + name);

    void Type(TypeSchema type)
    {
        json.WriteStartObject();
        Description(type.Doc);
        json.WriteString("type", "object");
        if (type.Fields.Any(f => f.Required))
        {
            json.WriteStartArray("required");
            foreach (var field in type.Fields) if (field.Required) json.WriteStringValue(field.Name);
            json.WriteEndArray();
        }
        if (!type.Fields.IsEmpty)
        {
            json.WriteStartObject("properties");
            foreach (var field in type.Fields.OrderBy(f => f.Name, StringComparer.Ordinal)) Property(type, field);
            json.WriteEndObject();
        }
        string shortName = type.Name[(type.Name.LastIndexOf('.') + 1)..];
        if (shortName is "DeleteOptions" or "WatchEvent") Kinds(served.Select(gv => gv.Kind(shortName)));
        else if (Definitions.KindOf(type) is { } gvk) Kinds([gvk]);
        if (type.Atomic) json.WriteString("x-kubernetes-map-type", "atomic");
        json.WriteEndObject();
    }

    void List(KindInfo kind)
    {
        json.WriteStartObject();
        Description($"{kind.Kind}List is a list of {kind.Kind} objects.");
        json.WriteString("type", "object");
        json.WriteStartArray("required");
        json.WriteStringValue("items");
        json.WriteEndArray();
        json.WriteStartObject("properties");
        Text("apiVersion", ApiVersionDoc);
        json.WriteStartObject("items");
        json.WriteString("type", "array");
        json.WriteStartObject("items");
        Reference(Definitions.NameOf(kind), v3 ? "{}" : null, alone: true);
        json.WriteEndObject();
        json.WriteEndObject();
        Text("kind", KindDoc);
        json.WriteStartObject("metadata");
        Reference("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta", v3 ? "{}" : null, alone: true);
        json.WriteEndObject();
        json.WriteEndObject();
        Kinds([kind.Gvk.GroupVersion.Kind(kind.ListKind)]);
        json.WriteEndObject();
    }

    void Text(string name, string doc)
    {
        json.WriteStartObject(name);
        Description(doc);
        json.WriteString("type", "string");
        json.WriteEndObject();
    }

    void Kinds(IEnumerable<GroupVersionKind> kinds)
    {
        json.WriteStartArray("x-kubernetes-group-version-kind");
        foreach (var kind in kinds) GroupVersionKind(kind);
        json.WriteEndArray();
    }

    public void GroupVersionKind(GroupVersionKind kind)
    {
        json.WriteStartObject();
        json.WriteString("group", kind.Group);
        json.WriteString("kind", kind.Kind);
        json.WriteString("version", kind.Version);
        json.WriteEndObject();
    }

    void Property(TypeSchema owner, FieldSchema field)
    {
        json.WriteStartObject(field.Name);
        // No .api file writes down the two fields that every kind has.
        Description(!owner.IsKind ? field.Doc : field.Name switch { "apiVersion" => ApiVersionDoc, "kind" => KindDoc, _ => field.Doc });
        string? reference = field.Type?.Name ?? SpecialSchemas.NameOf(owner, field);
        string? fallback = !v3 ? null : field.Default ?? (field.ZeroDefault ? Zero(field, reference) : null);
        switch (field.Shape)
        {
            case Shape.Single: Value(field, reference, fallback, alone: field.Doc.Length == 0 && !field.Atomic && !field.PatchMerge && !field.PatchRetainKeys); break;
            case Shape.List:
                json.WriteString("type", "array");
                if (fallback is not null) Default(fallback);
                json.WriteStartObject("items");
                Item(field, reference);
                json.WriteEndObject();
                break;
            default:
                json.WriteString("type", "object");
                if (fallback is not null) Default(fallback);
                json.WriteStartObject("additionalProperties");
                if (field.Shape == Shape.ListMap)
                {
                    json.WriteString("type", "array");
                    json.WriteStartObject("items");
                }
                Item(field, reference);
                if (field.Shape == Shape.ListMap) json.WriteEndObject();
                json.WriteEndObject();
                break;
        }
        Extensions(field);
        json.WriteEndObject();
    }

    void Item(FieldSchema field, string? reference) => Value(field, reference, v3 && field.Kind is not (ValueKind.Bytes or ValueKind.Quantity or ValueKind.Raw) ? Zero(field, reference) : null, alone: true);

    /// <param name="alone">Whether a reference needs no wrapping because nothing stands beside it.</param>
    void Value(FieldSchema field, string? reference, string? fallback, bool alone)
    {
        if (reference is not null)
        {
            Reference(reference, fallback, alone);
            return;
        }
        if (fallback is not null) Default(fallback);
        if (!field.Enum.IsEmpty)
        {
            json.WriteStartArray("enum");
            foreach (string value in field.Enum) json.WriteStringValue(value);
            json.WriteEndArray();
        }
        var (type, format) = field.Kind switch
        {
            ValueKind.Bool => ("boolean", null),
            ValueKind.Int32 => ("integer", "int32"),
            ValueKind.Int64 => ("integer", "int64"),
            ValueKind.Double => ("number", "double"),
            ValueKind.Bytes => ("string", "byte"),
            _ => ("string", (string?)null),
        };
        if ((field.Format ?? format) is { } told) json.WriteString("format", told);
        json.WriteString("type", type);
    }

    void Reference(string name, string? fallback, bool alone)
    {
        if (!v3 || alone && fallback is null)
        {
            Ref(name);
            return;
        }
        if (fallback is not null) Default(fallback);
        json.WriteStartArray("allOf");
        json.WriteStartObject();
        Ref(name);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    static string Zero(FieldSchema field, string? reference) => reference is not null ? "{}" : field.Kind switch
    {
        ValueKind.Bool => "false",
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Double => "0",
        _ => "\"\"",
    };

    void Extensions(FieldSchema field)
    {
        if (field.Atomic) json.WriteString("x-kubernetes-map-type", "atomic");
        if (!field.ListKeys.IsEmpty)
        {
            json.WriteStartArray("x-kubernetes-list-map-keys");
            foreach (string key in field.ListKeys) json.WriteStringValue(key);
            json.WriteEndArray();
        }
        if (field.ListTypeDeclared && field.Shape == Shape.List)
            json.WriteString("x-kubernetes-list-type", field.ListType switch { ListType.Map => "map", ListType.Set => "set", _ => "atomic" });
        if (field.PatchMergeKey is { } merge) json.WriteString("x-kubernetes-patch-merge-key", merge);
        if (field.PatchMerge || field.PatchRetainKeys)
            json.WriteString("x-kubernetes-patch-strategy", field switch { { PatchMerge: false } => "retainKeys", { PatchRetainKeys: true } => "merge,retainKeys", _ => "merge" });
    }

    void Description(string doc)
    {
        if (doc.Length > 0) json.WriteString("description", doc);
    }

    void Default(string value)
    {
        json.WritePropertyName("default");
        json.WriteRawValue(value);
    }
}
