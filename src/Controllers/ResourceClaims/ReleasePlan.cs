using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.ResourceClaims;

/// <summary>What has to change for a claim to be held by those alone who still need it, and to be free, or gone, when nobody does.</summary>
/// <param name="Freed">The claim with its new status; null when that is as it should be.</param>
/// <param name="Unprotect">Nothing is allocated any more: the finalizer is to go.</param>
/// <param name="Delete">It was made for a Pod that will not run any more.</param>
sealed record ReleasePlan(ResourceClaim? Freed, bool Unprotect, bool Delete)
{
    /// <param name="stays">Who still needs it, of those it is reserved for.</param>
    /// <param name="owner">The Pod of the name that it was made for, when there is one.</param>
    public static ReleasePlan For(ResourceClaim claim, IReadOnlyList<ResourceClaimConsumerReference> stays, Pod? owner)
    {
        var status = claim.Status;
        bool isProtected = claim.Metadata.Finalizers.Contains(PodClaims.Finalizer), unused = stays.Count == 0;
        bool shrinks = stays.Count < status.ReservedFor.Count;
        // It is the step from used to unused that frees the devices: who allocated them may reserve them a moment later.
        bool frees = unused && isProtected && (shrinks || claim.Metadata.DeletionTimestamp is not null);
        var next = status with { ReservedFor = [.. stays] };
        if (frees && status.Allocation is not null) next = next with { Allocation = null, Devices = default };
        return new(
            Freed: shrinks || next.Allocation != status.Allocation ? claim with { Status = next } : null,
            Unprotect: isProtected && next.Allocation is null && (shrinks || frees),
            // The garbage collector does so when the Pod is gone; one that has ended may stay for long.
            Delete: unused && claim.Metadata.DeletionTimestamp is null && owner is not null && OwnerUid(claim) is { } uid && (owner.Metadata.Uid != uid || owner.IsDone()));
    }

    /// <summary>The name of the Pod that it was made for; null when that is nobody's.</summary>
    public static string? OwnerOf(ResourceClaim claim) => Owner(claim)?.Name;

    static string? OwnerUid(ResourceClaim claim) => Owner(claim)?.Uid;

    static Api.Meta.V1.OwnerReference? Owner(ResourceClaim claim)
    {
        foreach (var owner in claim.Metadata.OwnerReferences)
            if (owner is { Controller: true, ApiVersion: "v1", Kind: "Pod" }) return owner;
        return null;
    }
}
