using System.Collections.Immutable;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>JSON patch (RFC 6902): operations applied in order, all or none.</summary>
/// <remarks>
/// Where the RFC and upstream's library (evanphx/json-patch v4) part, this follows the library, since clients have come to
/// depend on it: negative indices count from the end, <c>replace</c> of an absent member adds it, <c>copy</c> of one adds
/// null, and an absent <c>value</c> is null.
/// </remarks>
public sealed class JsonPatch
{
    JsonPatch(ImmutableArray<JsonPatchOperation> operations) => Operations = operations;

    public ImmutableArray<JsonPatchOperation> Operations { get; }

    /// <exception cref="PatchException">It is not a list of objects.</exception>
    public static JsonPatch Parse(JsonValue patch)
    {
        if (patch is not JsonArray list)
            throw new PatchException(PatchFault.Malformed, $"json: cannot unmarshal {GoKind(patch)} into Go value of type jsonpatch.Patch");
        var operations = ImmutableArray.CreateBuilder<JsonPatchOperation>(list.Count);
        foreach (var item in list)
        {
            if (item is not (JsonObject or JsonNull))
                throw new PatchException(PatchFault.Malformed, $"json: cannot unmarshal {GoKind(item)} into Go value of type jsonpatch.Operation");
            operations.Add(new(item as JsonObject ?? JsonObject.Empty));
        }
        return new(operations.MoveToImmutable());
    }

    /// <exception cref="PatchException">An operation does not apply, or a test failed.</exception>
    public JsonValue Apply(JsonValue document)
    {
        foreach (var operation in Operations) document = operation.Apply(document);
        return document;
    }

    static string GoKind(JsonValue value) => value.Kind switch
    {
        JsonKind.Object => "object", JsonKind.Array => "array", JsonKind.String => "string", JsonKind.Number => "number", JsonKind.Bool => "bool", _ => "null",
    };
}
