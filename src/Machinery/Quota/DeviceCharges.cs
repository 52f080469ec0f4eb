using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Machinery.Quota;

/// <summary>What claims to devices cost: of their classes, and of the resources by which Pods ask for the same devices (KEP-5004).</summary>
/// <param name="resourceOf">The extended resource that a class stands for; null when for none.</param>
/// <param name="podOf">The Pod of a name; null when there is none.</param>
public sealed class DeviceCharges(Func<string, string?> resourceOf, Func<Key, Pod?> podOf)
{
    const string ByClass = ".deviceclass.resource.k8s.io/devices", Implicit = "requests." + ImplicitResource;
    /// <summary>What the name of a resource begins with that means the devices of a class.</summary>
    public const string ImplicitResource = "deviceclass.resource.kubernetes.io/";
    /// <summary>On claims that were made for the extended resources of a Pod.</summary>
    public const string MadeForPod = "resource.kubernetes.io/extended-resource-claim";
    /// <summary>What a claim to all devices may come to: as many results as an allocation may have.</summary>
    const int AllDevices = 32;

    /// <summary>Whether a quota limits claims by that name.</summary>
    public static bool Concerns(string name) => name.EndsWith(ByClass, StringComparison.Ordinal) || IsResource(name);

    /// <summary>Whether a quota limits by that name what Pods ask for as a resource, and claims may get them.</summary>
    public static bool IsResource(string name) => name.StartsWith(Implicit, StringComparison.Ordinal) || (name.StartsWith("requests.", StringComparison.Ordinal) && !Validate.ResourceRules.IsNative(name));

    /// <summary>The Pod whose resources the claim was made for, as it says itself.</summary>
    public static Api.Meta.V1.OwnerReference? PodOf(ResourceClaim claim) =>
        claim.Metadata.Annotations[MadeForPod] == "true" ? claim.Metadata.OwnerReferences.Find(o => o is { Controller: true, Kind: "Pod", ApiVersion: "v1" }) : null;

    public static IEnumerable<string> ClassesOf(ResourceClaim claim)
    {
        foreach (var request in claim.Spec.Devices.Requests)
        {
            if (request.Exactly is { } exactly) yield return exactly.DeviceClassName;
            foreach (var either in request.FirstAvailable) yield return either.DeviceClassName;
        }
    }

    /// <summary>Of alternatives the most of each class (KEP-4816).</summary>
    /// <remarks>What the Pod is charged for under one of the names, its claim is charged for under the others only.</remarks>
    public Map<Quantity> Of(ResourceClaim claim)
    {
        var (cost, paid) = (default(Map<Quantity>), PaidFor(claim));
        foreach (var request in claim.Spec.Devices.Requests)
        {
            if (request.Exactly is { } e) cost = cost.Plus(Of(e.DeviceClassName, Devices(e.AllocationMode, e.Count), paid));
            var most = default(Map<Quantity>);
            foreach (var either in request.FirstAvailable) most = most.Larger(Of(either.DeviceClassName, Devices(either.AllocationMode, either.Count), []));
            cost = cost.Plus(most);
        }
        return cost;
    }

    static Quantity Devices(string mode, long count) => new(mode switch { "ExactCount" => count, "All" => AllDevices, _ => 0 });

    Map<Quantity> Of(string @class, Quantity amount, List<(string Name, Quantity Amount)> paid)
    {
        var cost = Map.Of((@class + ByClass, amount));
        string @implicit = Implicit + @class;
        string? named = resourceOf(@class) is { Length: > 0 } resource ? "requests." + resource : null;
        bool asImplicit = paid.Remove((@implicit, amount)), asNamed = !asImplicit && named is not null && paid.Remove((named, amount));
        if (!asImplicit) cost = cost.Set(@implicit, amount);
        if (named is not null && !asNamed) cost = cost.Set(named, amount);
        return cost;
    }

    /// <summary>What the Pod asks for by itself, request by request as its claim has them.</summary>
    List<(string, Quantity)> PaidFor(ResourceClaim claim)
    {
        if (PodOf(claim) is not { } owner || podOf(new(claim.Metadata.Namespace, owner.Name)) is not { } pod || pod.Metadata.Uid != owner.Uid) return [];
        if (pod.Status.ExtendedResourceClaimStatus is { } its && its.ResourceClaimName != claim.Metadata.Name) return [];
        List<(string, Quantity)> paid = [];
        var lasting = default(Map<Quantity>);
        foreach (var c in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(i => i.RestartPolicy == "Always")))
            foreach (var (name, amount) in c.Resources.Requests)
                if (IsResource("requests." + name))
                {
                    paid.Add(("requests." + name, amount));
                    lasting = lasting.Set(name, lasting[name] + amount);
                }
        foreach (var (name, amount) in PodAmounts.Requests(pod).Beyond(lasting)) if (IsResource("requests." + name)) paid.Add(("requests." + name, amount));
        return paid;
    }
}
