using System.Collections.Concurrent;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;

namespace Hanbae.Machinery.Apply;

/// <summary>Tells server-side apply about the built-in types, from <c>api/</c>.</summary>
public static class SchemaTypes
{
    static readonly ConcurrentDictionary<TypeSchema, ApplyType> s_known = new(ReferenceEqualityComparer.Instance);

    public static ApplyType Of(TypeSchema schema) => s_known.GetOrAdd(schema, static s => s.Atomic
        ? ApplyType.AtomicStructure(() => s.Fields.Select(Field))
        : ApplyType.Structure(() => s.Fields.Select(Field)));

    static ApplyField Field(FieldSchema field) =>
        new(field.Name, field is { Name: "managedFields", Type.Name: "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry" } ? ApplyType.Ignored : TypeOf(field),
            field.Default is { } json ? JsonValue.Parse(json) : null);

    static ApplyType TypeOf(FieldSchema field) => field.Shape switch
    {
        Shape.Single => field.Atomic && field.Type is { } type ? ApplyType.AtomicStructure(() => type.Fields.Select(Field)) : ValueOf(field),
        Shape.Map => field.Atomic ? ApplyType.AtomicMapOf(ValueOf(field)) : ApplyType.MapOf(ValueOf(field)),
        Shape.ListMap => ApplyType.MapOf(ApplyType.AtomicListOf(ValueOf(field))),
        _ => field.ListType switch
        {
            ListType.Set => ApplyType.SetOf(ValueOf(field)),
            ListType.Map => ApplyType.KeyedList(ValueOf(field), field.ListKeys),
            _ => ApplyType.AtomicListOf(ValueOf(field)),
        },
    };

    static ApplyType ValueOf(FieldSchema field) => field.Kind switch
    {
        ValueKind.String or ValueKind.Bytes or ValueKind.Duration => ApplyType.String,
        ValueKind.Bool => ApplyType.Bool,
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Double => ApplyType.Number,
        ValueKind.Quantity or ValueKind.IntOrString or ValueKind.Time or ValueKind.MicroTime => ApplyType.Scalar,
        ValueKind.Object => Of(field.Type!),
        _ => ApplyType.Atomic,
    };
}
