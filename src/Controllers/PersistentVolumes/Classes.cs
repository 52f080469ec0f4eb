using Hanbae.Api.Storage.V1;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>Which class claims without one get, and when volumes of a class are bound.</summary>
static class Classes
{
    const string Default = "storageclass.kubernetes.io/is-default-class", BetaDefault = "storageclass.beta.kubernetes.io/is-default-class";

    /// <summary>The newest of those that say so, as admission chooses, too.</summary>
    public static StorageClass? DefaultOf(IEnumerable<StorageClass> classes) =>
        classes.Where(c => c.Metadata.Annotations[Default] == "true" || c.Metadata.Annotations[BetaDefault] == "true")
            .OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();

    public static bool WaitsForPods(StorageClass? of) => of?.VolumeBindingMode == "WaitForFirstConsumer";
}
