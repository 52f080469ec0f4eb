using Hanbae.Api.Core.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>Finds the ResourceClaims that a Pod names, and says whether it may use them; as upstream's <c>resourceclaim</c> package.</summary>
static class ClaimNames
{
    /// <summary>The claims of a Pod by its own names for them; the one that stands for extended resources has none.</summary>
    /// <exception cref="DeviceException">A claim has not been made yet.</exception>
    public static IEnumerable<(string Own, string Claim, bool Made)> Of(Pod pod)
    {
        foreach (var entry in pod.Spec.ResourceClaims)
            if (Of(pod, entry) is var (name, made)) yield return (entry.Name, name, made);
        if (pod.Status.ExtendedResourceClaimStatus is { ResourceClaimName: { Length: > 0 } extended }) yield return ("", extended, false);
    }

    /// <returns>Null where no claim was needed; and whether it was made for the Pod.</returns>
    static (string Name, bool Made)? Of(Pod pod, PodResourceClaim entry)
    {
        if (entry.ResourceClaimName is { Length: > 0 } name) return (name, false);
        if (entry.ResourceClaimTemplateName is not { Length: > 0 })
            throw new DeviceException($"pod \"{pod.Metadata.Namespace}/{pod.Metadata.Name}\", spec.resourceClaim \"{entry.Name}\": none of the supported fields are set");
        if (pod.Status.ResourceClaimStatuses.Find(s => s.Name == entry.Name) is not { } status)
            throw new DeviceException($"pod \"{pod.Metadata.Namespace}/{pod.Metadata.Name}\": ResourceClaim not created yet");
        return status.ResourceClaimName is { Length: > 0 } made ? (made, true) : null;
    }

    /// <summary>The same of a container: which requests of which claim it uses; an empty request means all of them.</summary>
    public static IEnumerable<(string Own, string Claim, string Request)> Of(Pod pod, Container container)
    {
        foreach (var entry in pod.Spec.ResourceClaims)
            foreach (var use in container.Resources.Claims.Where(c => c.Name == entry.Name))
                if (Of(pod, entry) is var (name, _)) yield return (entry.Name, name, use.Request);
        if (pod.Status.ExtendedResourceClaimStatus is not { } extended) yield break;
        foreach (var mapping in extended.RequestMappings)
            if (mapping.ContainerName == container.Name && container.Resources.Requests.TryGet(mapping.ResourceName, out var amount) && !amount.IsZero) yield return ("", extended.ResourceClaimName, mapping.RequestName);
    }

    /// <exception cref="DeviceException">The claim is somebody else's.</exception>
    public static void Check(Pod pod, ResourceClaim claim, bool made)
    {
        if (made && !claim.Metadata.OwnerReferences.Exists(o => o.Uid == pod.Metadata.Uid && o.Controller == true))
            throw new DeviceException($"ResourceClaim {claim.Metadata.Namespace}/{claim.Metadata.Name} was not created for pod {pod.Metadata.Namespace}/{pod.Metadata.Name} (pod is not owner)");
        if (!claim.Status.ReservedFor.Exists(r => r.Uid == pod.Metadata.Uid))
            throw new DeviceException($"pod {pod.Metadata.Name} ({pod.Metadata.Uid}) is not allowed to use ResourceClaim {claim.Metadata.Name} ({claim.Metadata.Uid})");
        if (claim.Status.Allocation is null) throw new DeviceException($"ResourceClaim {claim.Metadata.Name}: not allocated");
    }
}
