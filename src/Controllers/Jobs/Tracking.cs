using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;

namespace Hanbae.Controllers.Jobs;

/// <summary>Lets go of Pods that are counted.</summary>
static class Tracking
{
    /// <summary>Takes the finalizer from this very Pod.</summary>
    /// <param name="asSeen">Only if nobody has changed it since.</param>
    public static Patch End(Pod pod, bool asSeen = false)
    {
        (string, JsonValue)[] version = asSeen ? [("resourceVersion", pod.Metadata.ResourceVersion)] : [];
        return MetadataPatch.Strategic([("$deleteFromPrimitiveList/finalizers", JsonArray.Of(JobPod.Finalizer)), ("uid", pod.Metadata.Uid), .. version]);
    }
}
