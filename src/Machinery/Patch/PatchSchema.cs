using Hanbae.Api.Schema;

namespace Hanbae.Machinery.Patch;

/// <summary>What strategic merge knows of the object at hand: a structure, a map of one kind of value, or nothing.</summary>
/// <remarks>Knowing nothing, objects merge and lists are replaced, as in JSON merge patch.</remarks>
readonly record struct PatchSchema(TypeSchema? Type, FieldSchema? Map)
{
    public static PatchSchema None => default;

    /// <summary>The schema of the value (of the items, for a list) under a name, and how a list there merges.</summary>
    public (PatchSchema Schema, bool Merge, string MergeKey) Of(string name)
    {
        if (Type?.Find(name) is { } field)
            return field.Shape switch
            {
                Shape.Map or Shape.ListMap => (new(null, field), field.PatchMerge, ""),
                _ => (new(field.Kind == ValueKind.Object ? field.Type : null, null), field.PatchMerge, field.PatchMergeKey ?? ""),
            };
        if (Map is { Kind: ValueKind.Object, Shape: Shape.Map } map) return (new(map.Type, null), false, "");
        return (None, false, "");
    }
}
