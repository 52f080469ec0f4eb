using System.Collections.Concurrent;
using Hanbae.Api.Schema;

namespace Hanbae.Machinery.Cel;

/// <summary>Schemas of built-in types, as expressions see their JSON.</summary>
public static class CelSchemas
{
    static readonly ConcurrentDictionary<TypeSchema, CelSchema> s_known = new();

    public static CelSchema Of(TypeSchema type) => s_known.GetOrAdd(type, static t => new CelSchema(CelSchemaKind.Object)
    {
        IsResource = t.IsKind,
        Properties = [.. t.Fields.Where(f => f.Name.Length > 0).Select(f => new CelProperty(f.Name, () => Of(f), f.Required, f.Default is not null))],
    });

    static CelSchema Of(FieldSchema field) => field.Shape switch
    {
        Shape.List => Gathered(field, One(field)),
        Shape.Map => CelSchema.Map(One(field)),
        Shape.ListMap => CelSchema.Map(CelSchema.List(One(field))),
        _ => One(field),
    };

    static CelSchema Gathered(FieldSchema field, CelSchema item) => field.ListType switch
    {
        ListType.Set => CelSchema.List(item, CelListType.Set),
        ListType.Map when !field.ListKeys.IsEmpty => CelSchema.List(item, CelListType.Map, field.ListKeys),
        _ => CelSchema.List(item),
    };

    static CelSchema One(FieldSchema field) => field.Kind switch
    {
        ValueKind.Bool => CelSchema.Boolean,
        ValueKind.Int32 or ValueKind.Int64 => CelSchema.Integer,
        ValueKind.Double => CelSchema.Number,
        ValueKind.Bytes => s_bytes,
        ValueKind.IntOrString => s_intOrString,
        ValueKind.Time or ValueKind.MicroTime => s_time,
        ValueKind.Raw => CelSchema.Dyn,
        ValueKind.Object when field.Type is { } type => Of(type),
        ValueKind.Object => CelSchema.Dyn,
        ValueKind.String when !field.Enum.IsEmpty => new(CelSchemaKind.String) { Enum = field.Enum },
        // Quantities and durations are text: quantity() and duration() read them.
        _ => CelSchema.String,
    };

    static readonly CelSchema s_bytes = new(CelSchemaKind.Bytes), s_intOrString = new(CelSchemaKind.IntOrString), s_time = new(CelSchemaKind.DateTime) { Nullable = true };
}
