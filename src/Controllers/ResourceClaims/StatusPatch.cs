using System.Buffers;
using System.Text.Json;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.ResourceClaims;

/// <summary>Tells a Pod which claims were made for it, and touches nothing else of its status.</summary>
static class StatusPatch
{
    /// <param name="made">Names of claims, by entry.</param>
    public static Patch For(Pod pod, IReadOnlyDictionary<string, string> made)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteString("uid", pod.Metadata.Uid);
            json.WriteEndObject();
            json.WriteStartObject("status");
            json.WriteStartArray("resourceClaimStatuses");
            foreach (var (entry, claim) in made)
            {
                json.WriteStartObject();
                json.WriteString("name", entry);
                json.WriteString("resourceClaimName", claim);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Patch.Strategic(body.WrittenMemory.ToArray());
    }
}
