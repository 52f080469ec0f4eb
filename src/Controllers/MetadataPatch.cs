using Hanbae.Api.Json;
using Hanbae.Client;

namespace Hanbae.Controllers;

/// <summary>Patches of what stands in an object's metadata: what controllers change of objects that are others'.</summary>
static class MetadataPatch
{
    /// <summary>Lists are merged by their keys. Not for custom resources.</summary>
    public static Patch Strategic(params ReadOnlySpan<(string Name, JsonValue Value)> members) => Patch.Strategic(Body(members));

    public static Patch Merge(params ReadOnlySpan<(string Name, JsonValue Value)> members) => Patch.Merge(Body(members));

    static byte[] Body(ReadOnlySpan<(string Name, JsonValue Value)> members) => JsonObject.Of(("metadata", JsonObject.Of(members))).ToUtf8();
}
