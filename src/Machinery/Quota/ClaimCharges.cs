using Hanbae.Api;
using Hanbae.Api.Core.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Machinery.Quota;

/// <summary>What claims to devices depend on that does not stand in them.</summary>
public interface IDeviceNames
{
    /// <summary>The resource by which devices of a class can be asked for, too (KEP-5004); null when there is none.</summary>
    string? ResourceOf(string deviceClass);
    Pod? Pod(string ns, string name);
}

/// <summary>What a claim to devices may be given of each class, by all names under which a quota may limit the class.</summary>
/// <remarks>
/// Of alternatives the most of each class counts (KEP-4816). A claim that was made for the resources that a Pod asks for does not cost once more what the
/// Pod costs by that name.
/// </remarks>
public static class ClaimCharges
{
    /// <summary>Before a class's name, where devices of the class are asked for as a resource.</summary>
    public const string Implicit = "deviceclass.resource.kubernetes.io/";
    public const string ByDeviceClass = ".deviceclass.resource.k8s.io/devices";
    const string Annotation = "resource.kubernetes.io/extended-resource-claim", Requests = "requests.";
    /// <summary>What a claim to all devices may come to: as many results as an allocation may have.</summary>
    const int AllDevices = 32;

    /// <summary>Whether Pods ask for devices by such a resource.</summary>
    public static bool IsAskedFor(string resource) => Validate.ResourceRules.IsExtended(resource) || resource.StartsWith(Implicit, StringComparison.Ordinal);

    /// <summary>Whether a quota limits by such a name what <see cref="IsAskedFor"/>.</summary>
    public static bool IsLimited(string name) =>
        name.StartsWith(Requests, StringComparison.Ordinal) && (!Validate.ResourceRules.IsNative(name) || name.StartsWith(Requests + Implicit, StringComparison.Ordinal));

    public static Map<Quantity> Of(ResourceClaim claim, IDeviceNames? names)
    {
        var paid = names is null ? [] : PaidBy(claim, names);
        var cost = default(Map<Quantity>);
        foreach (var request in claim.Spec.Devices.Requests)
        {
            if (request.Exactly is { } exactly) cost = cost.Plus(Devices(exactly.DeviceClassName, exactly.AllocationMode, exactly.Count));
            var most = default(Map<Quantity>);
            foreach (var either in request.FirstAvailable) most = most.Larger(Devices(either.DeviceClassName, either.AllocationMode, either.Count));
            cost = cost.Plus(most);
        }
        return cost;

        Map<Quantity> Devices(string name, string mode, long count)
        {
            var amount = new Quantity(mode switch { "ExactCount" => count, "All" => AllDevices, _ => 0 });
            var devices = Map.Of((name + ByDeviceClass, amount));
            bool bySelf = paid.Remove((Requests + Implicit + name, amount));
            if (!bySelf) devices = devices.Set(Requests + Implicit + name, amount);
            if (names?.ResourceOf(name) is not { } resource) return devices;
            return !bySelf && paid.Remove((Requests + resource, amount)) ? devices : devices.Set(Requests + resource, amount);
        }
    }

    /// <summary>What the Pod for which the claim was made asks for, container by container, as its cost has it.</summary>
    static List<(string Name, Quantity Amount)> PaidBy(ResourceClaim claim, IDeviceNames names)
    {
        var paid = new List<(string, Quantity)>();
        if (claim.Metadata.Annotations[Annotation] != "true" || claim.Metadata.OwnerReferences.Find(o => o.Controller == true) is not { Kind: "Pod", ApiVersion: "v1" } owner) return paid;
        if (names.Pod(claim.Metadata.Namespace, owner.Name) is not { } pod || pod.Metadata.Uid != owner.Uid) return paid;
        if (pod.Status.ExtendedResourceClaimStatus is { } other && other.ResourceClaimName != claim.Metadata.Name) return paid;
        var sum = default(Map<Quantity>);
        foreach (var c in pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always").Concat(pod.Spec.Containers))
            foreach (var (name, amount) in c.Resources.Requests)
            {
                if (!IsAskedFor(name)) continue;
                paid.Add((Requests + name, amount));
                sum = sum.Set(name, sum[name] + amount);
            }
        // What init containers that end need beyond that is one request more.
        foreach (var (name, amount) in PodAmounts.Requests(pod))
            if (IsAskedFor(name) && amount > sum[name]) paid.Add((Requests + name, amount - sum[name]));
        return paid;
    }
}
