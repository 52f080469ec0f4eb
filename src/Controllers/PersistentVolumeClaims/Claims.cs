using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.PersistentVolumeClaims;

/// <summary>Which claims a Pod uses, and who uses a claim, without a scan.</summary>
static class Claims
{
    const string Index = "persistent volume claims";

    /// <summary>The claim made for a generic ephemeral volume (KEP-1698).</summary>
    public static string NameOf(Pod pod, Volume volume) => $"{pod.Metadata.Name}-{volume.Name}";

    public static IEnumerable<string> NamesOf(Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes)
            if (volume.PersistentVolumeClaim is { } named) yield return named.ClaimName;
            else if (volume.Ephemeral is not null) yield return NameOf(pod, volume);
    }

    public static void IndexClaims(this ICache<Pod> pods) => pods.AddIndex(Index, pod => NamesOf(pod).Select(name => pod.Metadata.Namespace + "/" + name));

    public static IReadOnlyCollection<Pod> UsersOf(this ICache<Pod> pods, Key claim) => pods.ByIndex(Index, claim.Namespace + "/" + claim.Name);

    /// <summary>Nothing of it runs any more, and its kubelet has said so: it waits for what has to go with it.</summary>
    public static bool IsShutDown(Pod pod) => pod.Metadata is { DeletionTimestamp: not null, DeletionGracePeriodSeconds: 0 };

    /// <summary>Whether the Pod uses this very claim: one of the name that an ephemeral volume would have may be somebody else's.</summary>
    /// <param name="unlessShutDown">A Pod that waits for the claim that was made for it to go does not keep it.</param>
    public static bool Uses(Pod pod, PersistentVolumeClaim claim, bool unlessShutDown = false) => pod.Spec.Volumes.Exists(v =>
        v.PersistentVolumeClaim is { } named ? named.ClaimName == claim.Metadata.Name
        : v.Ephemeral is not null && !(unlessShutDown && IsShutDown(pod)) && NameOf(pod, v) == claim.Metadata.Name && claim.Metadata.OwnerReferences.Exists(o => o.Controller == true && o.Uid == pod.Metadata.Uid));
}
