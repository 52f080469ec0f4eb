using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>What was decided of a Pod's claims: which get devices, and that the Pod may use them all.</summary>
/// <param name="Claims">As they were seen.</param>
/// <param name="Promised">The same with what was found; null for those that had devices before.</param>
/// <param name="Extended">Whose the requests of the last claim are, which is yet to be made for extended resources; none otherwise.</param>
internal sealed record DevicePlan(ImmutableArray<ResourceClaim> Claims, ImmutableArray<ResourceClaim?> Promised, Seq<ContainerExtendedResourceRequest> Extended)
{
    /// <summary>What the API answered, by the promised claim's key; written to by one task, read when that is done.</summary>
    public Dictionary<Key, ResourceClaim> Written { get; } = [];
    /// <summary>A device could not be attached: what was found is to be given up, so that something else can be.</summary>
    public bool Failed { get; set; }
}
