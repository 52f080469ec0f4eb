using Hanbae.Api.Json;
using Hanbae.Api.Schema;

namespace Hanbae.Server.Verbs;

/// <summary>Says why a merged document is no such object in the words of upstream's converter of maps to structs, which strategic merge patches go through.</summary>
static class GoConversion
{
    /// <summary>The first thing that is wrong; null when the converter would find nothing.</summary>
    public static string? Error(JsonValue value, TypeSchema schema)
    {
        if (value is not JsonObject map) return $"cannot restore struct from: {Kind(value)}";
        foreach (var field in schema.Fields)
            if (map[field.Name] is { Kind: not JsonKind.Null } member && Field(member, schema, field) is { } error) return error;
        return null;
    }

    static string? Field(JsonValue value, TypeSchema owner, FieldSchema field)
    {
        switch (field.Shape)
        {
            case Shape.List:
                return value is JsonArray list ? First(list, owner, field) : $"cannot restore slice from {Kind(value)}";
            case Shape.Map or Shape.ListMap:
                if (value is not JsonObject map) return $"cannot restore map from {Kind(value)}";
                foreach (var (_, member) in map)
                {
                    if (member.Kind == JsonKind.Null) continue;
                    string? error = field.Shape == Shape.Map ? Item(member, owner, field)
                        : member is JsonArray members ? First(members, owner, field) : $"cannot restore slice from {Kind(member)}";
                    if (error is not null) return error;
                }
                return null;
            default: return Item(value, owner, field);
        }
    }

    static string? First(JsonArray list, TypeSchema owner, FieldSchema field)
    {
        foreach (var item in list)
            if (item.Kind != JsonKind.Null && Item(item, owner, field) is { } error) return error;
        return null;
    }

    static string? Item(JsonValue value, TypeSchema owner, FieldSchema field) => field.Kind switch
    {
        ValueKind.Object => Error(value, field.Type!),
        // Go lets an integer become a text, so that it is refused as a conversion; what it does not let be converted is of no type it knows.
        ValueKind.String when value is not JsonString => value is JsonNumber { IsInteger: true } ? $"cannot convert int64 to {GoTypes.Item(owner, field)}" : "unrecognized type: string",
        ValueKind.Int32 or ValueKind.Int64 when value is not JsonNumber => "unrecognized type: " + GoTypes.Item(owner, field),
        ValueKind.Int32 or ValueKind.Int64 when value is JsonNumber { IsInteger: false } fraction && fraction.Double != Math.Truncate(fraction.Double) => "cannot convert float64 to " + GoTypes.Item(owner, field),
        ValueKind.Bool when value is not JsonBool => "unrecognized type: bool",
        _ => null,
    };

    static string Kind(JsonValue value) => value switch
    {
        JsonObject => "map", JsonArray => "slice", JsonString => "string", JsonBool => "bool", JsonNumber { IsInteger: true } => "int64", _ => "float64",
    };
}
