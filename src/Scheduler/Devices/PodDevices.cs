using Hanbae.Api;
using Hanbae.Api.Core.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>Which claims a Pod uses, and why it may have to wait for them.</summary>
internal static class PodDevices
{
    /// <summary>Claims by key; null for an entry that needs none. What is wrong with the first that cannot be used ends the list.</summary>
    public static string? Find(PodInfo pod, DeviceState devices, List<ResourceClaim> found)
    {
        foreach (var entry in pod.Pod.Spec.ResourceClaims)
        {
            var (name, own, missing) = NameOf(pod.Pod, entry);
            if (missing) return $"pod \"{pod.Key}\": ResourceClaim not created yet";
            if (name is null) continue;
            if (devices.Claim(new(pod.Key.Namespace, name)) is not { } claim) return $"could not find claim \"{pod.Key.Namespace}/{name}\"";
            if (claim.Metadata.DeletionTimestamp is not null) return $"resourceclaim \"{name}\" is being deleted";
            if (own && !claim.Metadata.OwnerReferences.Exists(o => o.Controller == true && o.Uid == pod.Uid)) return $"ResourceClaim {Key.Of(claim)} was not created for pod {pod.Key} (pod is not owner)";
            found.Add(claim);
        }
        return null;
    }

    /// <summary>Whether one of the Pod's entries means the claim.</summary>
    public static bool Uses(Pod pod, ResourceClaim claim)
    {
        if (claim.Metadata.Namespace != pod.Metadata.Namespace) return false;
        foreach (var entry in pod.Spec.ResourceClaims) if (NameOf(pod, entry).Name == claim.Metadata.Name) return true;
        return false;
    }

    static (string? Name, bool Own, bool Missing) NameOf(Pod pod, PodResourceClaim entry)
    {
        if (entry.ResourceClaimName is { } given) return (given, false, false);
        foreach (var made in pod.Status.ResourceClaimStatuses) if (made.Name == entry.Name) return (made.ResourceClaimName, true, false);
        return (null, true, true);
    }
}
