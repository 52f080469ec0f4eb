using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd;

/// <summary>Tells server-side apply about a custom resource, from its schema.</summary>
static class AppliedStructure
{
    public static ApplyType Of(Structural? root) => root is null ? ApplyType.Deduced : ApplyType.Structure(() => WithMetadata(root), Rest(root));

    static ApplyType Value(Structural node)
    {
        if (node.IntOrString) return ApplyType.Scalar;
        return node.Type switch
        {
            "object" => Object(node),
            "array" => List(node, node.Items is { } items ? Value(items) : ApplyType.Atomic),
            "string" => ApplyType.String,
            "boolean" => ApplyType.Bool,
            "integer" or "number" => ApplyType.Number,
            _ => node.Preserves ? ApplyType.Deduced : ApplyType.Atomic,
        };
    }

    static ApplyType Object(Structural node)
    {
        bool atomic = node.Props.XKubernetesMapType == "atomic";
        if (node.Properties.Count > 0 || node.Embedded)
            return atomic ? ApplyType.AtomicStructure(() => Fields(node), Rest(node)) : ApplyType.Structure(() => Fields(node), Rest(node));
        var values = node.Additional is { } more ? Value(more) : ApplyType.Deduced;
        return atomic ? ApplyType.AtomicMapOf(values) : node.Additional is null ? ApplyType.Deduced : ApplyType.MapOf(values);
    }

    static ApplyType List(Structural node, ApplyType items) => node.Props.XKubernetesListType switch
    {
        "set" => ApplyType.SetOf(items),
        "map" => ApplyType.KeyedList(items, node.Props.XKubernetesListMapKeys),
        _ => ApplyType.AtomicListOf(items),
    };

    /// <summary>Of fields that are not declared; null when these are pruned, and so refused.</summary>
    static ApplyType? Rest(Structural node) => node.Additional is { } more ? Value(more) : node.Preserves || node.HasAdditional ? ApplyType.Deduced : null;

    static IEnumerable<ApplyField> Fields(Structural node) => node.Embedded ? WithMetadata(node) : node.Properties.Select(p => new ApplyField(p.Key, Value(p.Value), p.Value.Default));

    static IEnumerable<ApplyField> WithMetadata(Structural node) =>
    [
        new("kind", ApplyType.String), new("apiVersion", ApplyType.String), new("metadata", SchemaTypes.Of(ApiData.Type("meta/v1", "ObjectMeta"))),
        .. node.Properties.Where(p => p.Key is not ("kind" or "apiVersion" or "metadata")).Select(p => new ApplyField(p.Key, Value(p.Value), p.Value.Default)),
    ];
}
