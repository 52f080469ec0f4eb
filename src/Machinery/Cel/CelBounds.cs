namespace Hanbae.Machinery.Cel;

/// <summary>Says how large what a schema describes can get in one request: the sizes that cost estimates rest on.</summary>
/// <remarks>As upstream: a request has 3 MiB, every item at least its smallest serialization and a comma.</remarks>
public static class CelBounds
{
    const long MaxRequest = 3 * 1024 * 1024;
    const int MaxDepth = 32;

    /// <summary>The most elements or characters; 0 for what has none, as upstream's declarations say it.</summary>
    public static ulong MaxElements(CelSchema schema) => (ulong)(schema.Kind switch
    {
        CelSchemaKind.List => schema.MaxItems is { } items ? Math.Max(0, items) : (MaxRequest - 2) / (MinSize(schema.Items!, 0) + 1),
        CelSchemaKind.Map => schema.MaxProperties is { } properties ? Math.Max(0, properties) : (MaxRequest - 2) / (MinSize(schema.Items!, 0) + 6),
        // Lengths are in characters, the bound in bytes.
        CelSchemaKind.String when schema.MaxLength is { } length => Math.Max(0, length) * 4,
        CelSchemaKind.String when !schema.Enum.IsEmpty => schema.Enum.Max(e => System.Text.Encoding.UTF8.GetByteCount(e)),
        CelSchemaKind.IntOrString when schema.MaxLength is { } length => Math.Max(0, length) * 4,
        CelSchemaKind.Bytes when schema.MaxLength is { } length => Math.Max(0, length),
        CelSchemaKind.String or CelSchemaKind.Bytes or CelSchemaKind.IntOrString => MaxRequest - 2,
        CelSchemaKind.Date => 12,
        CelSchemaKind.DateTime or CelSchemaKind.Duration => 32,
        _ => 0,
    });

    /// <summary>How often something of the schema can stand in one request, where nothing else bounds it.</summary>
    public static ulong MaxTimes(CelSchema schema) => (ulong)(MaxRequest / (MinSize(schema, 0) + 1));

    /// <summary>The fewest bytes of JSON.</summary>
    static long MinSize(CelSchema schema, int depth) => schema.Kind switch
    {
        CelSchemaKind.Object => depth > MaxDepth ? 2 : 2 + schema.Properties.Sum(p =>
            p.Required && !p.HasDefault && p.Identifier is not null && p.Value.Exposed ? p.Name.Length + MinSize(p.Value, depth + 1) + 4 : 0),
        CelSchemaKind.List or CelSchemaKind.Map or CelSchemaKind.String or CelSchemaKind.Bytes => 2,
        CelSchemaKind.Date => 12,
        CelSchemaKind.DateTime => 21,
        CelSchemaKind.Duration => 3,
        CelSchemaKind.Boolean => 4,
        _ => 1,
    };
}
