using System.Collections.Immutable;

namespace Hanbae.Api.Schema;

/// <summary>Turns a type of an <see cref="ApiFile"/> into the <see cref="TypeSchema"/> that patch, apply and OpenAPI read.</summary>
static class SchemaReader
{
    public static TypeSchema Read(ApiFile file, string name)
    {
        var type = file.Types.First(t => t.Name == name);
        var fields = ImmutableArray.CreateBuilder<FieldSchema>();
        // Kind and apiVersion are fields like others to OpenAPI and strict decoding.
        if (type.IsKind) { fields.Add(new("kind", ValueKind.String)); fields.Add(new("apiVersion", ValueKind.String)); }
        Add(file, type, fields);
        return new(file.Definitions + "." + name, fields.DrainToImmutable()) { IsKind = type.IsKind, Doc = type.Doc, Atomic = type.Atomic };
    }

    static void Add(ApiFile file, ApiType type, ImmutableArray<FieldSchema>.Builder fields)
    {
        foreach (var field in type.Fields)
            if (field.Spread)
            {
                var (partFile, part) = ApiData.Resolve(file, field.Type);
                Add(partFile, part, fields);
            }
            else fields.Add(Field(file, field));
    }

    static FieldSchema Field(ApiFile file, ApiField field)
    {
        bool strings = field.Type == "strings";
        ValueKind kind = field.Type switch
        {
            "string" or "strings" => ValueKind.String, "bool" => ValueKind.Bool, "int32" => ValueKind.Int32, "int64" => ValueKind.Int64,
            "double" => ValueKind.Double, "bytes" => ValueKind.Bytes, "quantity" => ValueKind.Quantity, "intorstring" => ValueKind.IntOrString,
            "time" => ValueKind.Time, "microtime" => ValueKind.MicroTime, "duration" => ValueKind.Duration, "raw" => ValueKind.Raw,
            // A schema, or a list, or a bool: free-form to everything that walks schemas.
            "JSONSchemaPropsOrArray" or "JSONSchemaPropsOrBool" or "JSONSchemaPropsOrStringArray" => ValueKind.Raw,
            _ => ValueKind.Object,
        };
        Func<TypeSchema>? type = null;
        if (kind == ValueKind.Object)
        {
            int dot = field.Type.IndexOf('.', StringComparison.Ordinal);
            string path = dot < 0 ? file.Path : field.Type[..dot], name = field.Type[(dot + 1)..];
            type = () => ApiData.Type(path, name);
        }
        string? list = field.Flag("list"), merge = field.Flag("merge");
        Shape shape = field.Map ? (strings ? Shape.ListMap : Shape.Map) : field.List || strings ? Shape.List : Shape.Single;
        return new(field.Name, kind, shape, type)
        {
            Required = field.Flag("required") is not null,
            PatchMerge = merge is not null,
            PatchMergeKey = merge is { Length: > 0 } ? merge : null,
            PatchRetainKeys = field.Flag("retainKeys") is not null,
            ListType = list is null || list == "atomic" ? ListType.Atomic : list == "set" ? ListType.Set : ListType.Map,
            ListTypeDeclared = list is not null,
            ListKeys = list is not null && list.StartsWith("map(", StringComparison.Ordinal) ? [.. list[4..^1].Split(',')] : [],
            Atomic = field.Flag("map") == "atomic",
            Default = field.Flag("default"),
            ZeroDefault = field.Flag("zero") is not null,
            Enum = field.Flag("enum") is { } e ? [.. e.Split('|')] : [],
            Format = field.Flag("format"),
            OmitEmpty = field.OmitEmpty,
            Doc = field.Doc,
        };
    }
}
