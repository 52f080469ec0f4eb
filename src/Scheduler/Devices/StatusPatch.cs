using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Devices;

/// <summary>Patches of statuses that concern devices.</summary>
internal static class StatusPatch
{
    public static byte[] Extended(PodExtendedResourceClaimStatus status)
    {
        var writer = new JsonWriter(256);
        try
        {
            writer.Raw("{\"status\":{\"extendedResourceClaimStatus\":"u8);
            status.WriteJson(ref writer);
            writer.Raw("}}"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }
}
