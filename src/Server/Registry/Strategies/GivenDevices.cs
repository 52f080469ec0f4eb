using Hanbae.Api;
using Hanbae.Api.Resource.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Which devices a claim has, and has had.</summary>
static class GivenDevices
{
    /// <summary>A device, or somebody's share of it.</summary>
    public readonly record struct Id(string Driver, string Pool, string Device, string? Share);

    public static Id IdOf(AllocatedDeviceStatus told) => new(told.Driver, told.Pool, told.Device, told.ShareID);

    /// <summary>What is told, without the devices that a change of the allocation takes away.</summary>
    public static Seq<AllocatedDeviceStatus> Left(Seq<AllocatedDeviceStatus> told, ResourceClaimStatus old, ResourceClaimStatus now)
    {
        if (old.Allocation is null || old.Allocation == now.Allocation) return told;
        var taken = Of(old).Except(Of(now)).ToHashSet();
        return told.Exists(d => taken.Contains(IdOf(d))) ? [.. told.Where(d => !taken.Contains(IdOf(d)))] : told;
    }

    static IEnumerable<Id> Of(ResourceClaimStatus status) =>
        status.Allocation is { } given ? given.Devices.Results.Select(r => new Id(r.Driver, r.Pool, r.Device, r.ShareID)) : [];
}
