using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.ResourceClaims;

/// <summary>Which ResourceClaims a Pod uses, and which Pods a claim is for (KEP-3063, KEP-4381).</summary>
static class PodClaims
{
    /// <summary>On a claim that was made for a Pod: which entry of its <c>resourceClaims</c> it is for.</summary>
    public const string Entry = "resource.kubernetes.io/pod-claim-name";
    /// <summary>Keeps a claim while devices are allocated to it.</summary>
    public const string Finalizer = "resource.kubernetes.io/delete-protection";
    /// <summary>As many may use a claim at a time.</summary>
    const int MostConsumers = 256;
    const string Index = "resource claims";

    /// <summary>A claim's name, as far as the Pod tells it.</summary>
    /// <param name="Name">Null while none was made, or when none is needed.</param>
    /// <param name="Made">What is to be known is known.</param>
    /// <param name="OfTemplate">It must be the Pod's own.</param>
    public readonly record struct Reference(string? Name, bool Made, bool OfTemplate);

    public static Reference Of(Pod pod, PodResourceClaim entry)
    {
        if (entry.ResourceClaimName is { } given) return new(given, true, false);
        foreach (var status in pod.Status.ResourceClaimStatuses)
            if (status.Name == entry.Name) return new(status.ResourceClaimName, true, true);
        return new(null, false, true);
    }

    /// <summary>Names of the claims that are known, that of extended resources included (KEP-5004).</summary>
    public static IEnumerable<string> NamesOf(Pod pod)
    {
        foreach (var entry in pod.Spec.ResourceClaims)
            if (Of(pod, entry).Name is { Length: > 0 } name) yield return name;
        if (pod.Status.ExtendedResourceClaimStatus is { ResourceClaimName: { Length: > 0 } extended }) yield return extended;
    }

    public static bool UsesClaims(this Pod pod) => !pod.Spec.ResourceClaims.IsEmpty || pod.Status.ExtendedResourceClaimStatus is not null;

    public static void IndexResourceClaims(this ICache<Pod> pods) =>
        pods.AddIndex(Index, pod => pod.UsesClaims() ? NamesOf(pod).Select(name => pod.Metadata.Namespace + "/" + name) : []);

    public static IReadOnlyCollection<Pod> NamingClaim(this ICache<Pod> pods, Key claim) => pods.ByIndex(Index, claim.Namespace + "/" + claim.Name);

    /// <summary>Nothing of it runs, nor ever will.</summary>
    public static bool IsDone(this Pod pod) => pod.IsTerminal || pod.IsBeingDeleted && pod.Spec.NodeName.Length == 0;

    public static bool IsReservedFor(this ResourceClaim claim, Pod pod) => claim.Status.ReservedFor.Exists(c => c.Uid == pod.Metadata.Uid);

    public static bool HasRoom(this ResourceClaim claim) => claim.Status.ReservedFor.Count < MostConsumers;

    /// <summary>Why a claim that the Pod names is none for it; null when it is.</summary>
    public static string? WhyNotFor(this ResourceClaim claim, Pod pod) =>
        claim.IsControlledBy(pod) ? null : $"ResourceClaim {Key.Of(claim)} was not created for pod {Key.Of(pod)} (pod is not owner)";
}
