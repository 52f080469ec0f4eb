using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Quota;
using Hanbae.Server.Cache;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>What the cost of one claim to devices depends on, as it is now.</summary>
sealed class DeviceNames(IReadOnlyDictionary<string, string> resources, Pod? pod) : IDeviceNames
{
    public static async ValueTask<DeviceNames> ForAsync(ResourceClaim claim, ServedObjects objects, CancellationToken ct)
    {
        var resources = new Dictionary<string, string>();
        foreach (var c in await objects.ListAsync<DeviceClass>("", ct).ConfigureAwait(false))
            if (c.Spec.ExtendedResourceName is { } resource) resources[c.Metadata.Name] = resource;
        var owner = claim.Metadata.OwnerReferences.Find(o => o is { Controller: true, Kind: "Pod" });
        return new(resources, owner is null ? null : await objects.FindAsync<Pod>(claim.Metadata.Namespace, owner.Name, ct).ConfigureAwait(false));
    }

    public string? ResourceOf(string deviceClass) => resources.GetValueOrDefault(deviceClass);
    public Pod? Pod(string ns, string name) => pod?.Metadata.Name == name && pod.Metadata.Namespace == ns ? pod : null;
}
