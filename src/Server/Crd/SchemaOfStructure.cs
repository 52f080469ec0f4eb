using System.Collections.Immutable;
using Hanbae.Api.Schema;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd;

/// <summary>A custom resource's schema in the shape that built-in kinds have theirs, so that server-side apply walks both alike.</summary>
static class SchemaOfStructure
{
    public static TypeSchema Of(CustomKind kind)
    {
        var fields = ImmutableArray.CreateBuilder<FieldSchema>();
        fields.Add(new("kind", ValueKind.String));
        fields.Add(new("apiVersion", ValueKind.String));
        fields.Add(new("metadata", ValueKind.Object, type: static () => ApiData.Type("meta/v1", "ObjectMeta")));
        if (!kind.KeepsAll && kind.Structure is { } root)
            foreach (var (name, property) in root.Properties)
                if (name is not ("kind" or "apiVersion" or "metadata")) fields.Add(Field(name, property, root));
        return new(kind.Gvk.ToString(), fields.DrainToImmutable()) { IsKind = true, Doc = kind.Structure?.Props.Description ?? "" };
    }

    static TypeSchema Type(string name, Structural node)
    {
        var fields = ImmutableArray.CreateBuilder<FieldSchema>();
        if (node.Embedded)
        {
            fields.Add(new("kind", ValueKind.String));
            fields.Add(new("apiVersion", ValueKind.String));
            fields.Add(new("metadata", ValueKind.Object, type: static () => ApiData.Type("meta/v1", "ObjectMeta")));
        }
        foreach (var (field, property) in node.Properties)
            if (!node.Embedded || field is not ("kind" or "apiVersion" or "metadata")) fields.Add(Field(field, property, node));
        return new(name, fields.DrainToImmutable()) { Atomic = node.Props.XKubernetesMapType == "atomic", Doc = node.Props.Description };
    }

    static FieldSchema Field(string name, Structural node, Structural owner)
    {
        var (shape, item) = node.Type == "array" && node.Items is { } items ? (Shape.List, items)
            : node is { Type: "object", Additional: { } more } ? (Shape.Map, more) : (Shape.Single, node);
        bool structured = item.Type == "object" && (item.Properties.Count > 0 || item.Embedded) && (shape == Shape.Single || item.Additional is null);
        Lazy<TypeSchema>? type = structured ? new(() => Type(name, item)) : null;
        return new(name, structured ? ValueKind.Object : Kind(item), shape, type is null ? null : () => type.Value)
        {
            Required = owner.Props.Required.Contains(name),
            ListType = node.Props.XKubernetesListType switch { "set" => ListType.Set, "map" => ListType.Map, _ => ListType.Atomic },
            ListTypeDeclared = node.Props.XKubernetesListType is not null,
            ListKeys = [.. node.Props.XKubernetesListMapKeys],
            Atomic = node.Props.XKubernetesMapType == "atomic",
            Doc = node.Props.Description,
        };
    }

    static ValueKind Kind(Structural node) => node.IntOrString ? ValueKind.IntOrString : node.Type switch
    {
        "string" => ValueKind.String, "boolean" => ValueKind.Bool, "integer" => ValueKind.Int64, "number" => ValueKind.Double, _ => ValueKind.Raw,
    };
}
