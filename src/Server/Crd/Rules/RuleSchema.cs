using System.Collections.Immutable;
using Hanbae.Api.Json;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Rules;

/// <summary>A custom resource's schema as rules see it: types to check expressions against, bounds to price them by.</summary>
static class RuleSchema
{
    /// <param name="resource">At the root, where apiVersion, kind and metadata are known.</param>
    public static CelSchema Of(Structural s, bool resource = false)
    {
        var props = s.Props;
        if (s.IntOrString) return new(CelSchemaKind.IntOrString) { Nullable = s.Nullable, MaxLength = props.MaxLength };
        return s.Type switch
        {
            "array" when s.Items is { } items => new(CelSchemaKind.List)
            {
                Items = Of(items), MaxItems = props.MaxItems, Nullable = s.Nullable, ListKeys = [.. props.XKubernetesListMapKeys],
                ListType = props.XKubernetesListType switch { "map" => CelListType.Map, "set" => CelListType.Set, _ => CelListType.Atomic },
            },
            "object" when s.Additional is { } values => new(CelSchemaKind.Map) { Items = Of(values), MaxProperties = props.MaxProperties, Nullable = s.Nullable },
            "object" => new(CelSchemaKind.Object) { Properties = Properties(s, resource), IsResource = resource || s.Embedded, Nullable = s.Nullable },
            "string" => Text(s),
            "boolean" => new(CelSchemaKind.Boolean) { Nullable = s.Nullable },
            "number" => new(CelSchemaKind.Number) { Nullable = s.Nullable },
            "integer" => new(CelSchemaKind.Integer) { Nullable = s.Nullable },
            _ => CelSchema.Hidden,
        };
    }

    static ImmutableArray<CelProperty> Properties(Structural s, bool resource) =>
    [
        .. from p in s.Properties
           where !(resource || s.Embedded) || p.Key is not ("apiVersion" or "kind" or "metadata")
           orderby p.Key
           let schema = new Lazy<CelSchema>(() => Of(p.Value))
           select new CelProperty(p.Key, () => schema.Value, s.Props.Required.Contains(p.Key), p.Value.Default is not null),
    ];

    static CelSchema Text(Structural s) => new(s.Props.Format switch
    {
        "byte" => CelSchemaKind.Bytes, "duration" => CelSchemaKind.Duration, "date" => CelSchemaKind.Date, "date-time" => CelSchemaKind.DateTime, _ => CelSchemaKind.String,
    })
    {
        MaxLength = s.Props.MaxLength, Nullable = s.Nullable, Enum = s.Enum.All(e => e is JsonString) ? [.. s.Enum.OfType<JsonString>().Select(e => e.Value)] : [],
    };
}
