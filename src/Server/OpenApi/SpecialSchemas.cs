using System.Text.Json;
using Hanbae.Api.Schema;

namespace Hanbae.Server.OpenApi;

/// <summary>The definitions of values that are no structures: times, quantities, free-form JSON.</summary>
static class SpecialSchemas
{
    const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.", Extensions = "io.k8s.apiextensions-apiserver.";
    const string Quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity", IntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

    /// <summary>The definition that a field's value refers to, or null when it is written in place.</summary>
    public static string? NameOf(TypeSchema owner, FieldSchema field) => field.Kind switch
    {
        ValueKind.Quantity => Quantity,
        ValueKind.IntOrString => IntOrString,
        ValueKind.Time => Meta + "Time",
        ValueKind.MicroTime => Meta + "MicroTime",
        ValueKind.Duration => Meta + "Duration",
        ValueKind.Raw => owner.Name.StartsWith(Extensions, StringComparison.Ordinal) ? owner.Name[..(owner.Name.LastIndexOf('.') + 1)] + "JSON"
            : field.Name == "fieldsV1" ? Meta + "FieldsV1" : "io.k8s.apimachinery.pkg.runtime.RawExtension",
        _ => null,
    };

    public static void Write(Utf8JsonWriter json, string name, bool v3)
    {
        json.WriteStartObject();
        switch (name)
        {
            case Quantity:
                if (v3) OneOf(json, "string", "number");
                else json.WriteString("type", "string");
                break;
            case IntOrString:
                json.WriteString("format", "int-or-string");
                if (v3) OneOf(json, "integer", "string");
                else json.WriteString("type", "string");
                break;
            case Meta + "Time" or Meta + "MicroTime":
                json.WriteString("format", "date-time");
                json.WriteString("type", "string");
                break;
            case Meta + "Duration": json.WriteString("type", "string"); break;
            case Meta + "FieldsV1" or Meta + "Patch" or "io.k8s.apimachinery.pkg.runtime.RawExtension": json.WriteString("type", "object"); break;
            // Any value at all.
            default: break;
        }
        json.WriteEndObject();
    }

    static void OneOf(Utf8JsonWriter json, params ReadOnlySpan<string> types)
    {
        json.WriteStartArray("oneOf");
        foreach (string type in types)
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
