using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Volumes;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Machinery.Quota;

/// <summary>What an object costs of a quota: upstream's evaluators as functions. Admission charges by it and the controller counts by it.</summary>
public static class Charges
{
    const string ByStorageClass = ".storageclass.storage.k8s.io/";
    static readonly GroupResource s_deviceClaims = new("resource.k8s.io", "resourceclaims");

    /// <summary>Kinds that cost more than their count.</summary>
    public static bool IsMeasured(GroupResource resource) => resource is { Group: "", Resource: "pods" or "services" or "persistentvolumeclaims" } || resource == s_deviceClaims;

    /// <summary>The names by which objects of a resource may be counted: <c>count/deployments.apps</c>, and for some of core plainly so.</summary>
    public static (string Count, string? Plain) NamesOf(GroupResource resource) =>
        ("count/" + resource, resource is
        {
            Group: "", Resource: "configmaps" or "secrets" or "replicationcontrollers" or "resourcequotas" or "pods" or "services" or "persistentvolumeclaims",
        } ? resource.Resource : null);

    /// <summary>Whether objects of that resource can cost anything of what <paramref name="name"/> limits.</summary>
    public static bool Concerns(GroupResource resource, string name)
    {
        var (count, plain) = NamesOf(resource);
        if (name == count || name == plain) return true;
        if (resource.Group.Length > 0) return resource == s_deviceClaims && DeviceCharges.Concerns(name);
        return resource.Resource switch
        {
            "services" => name is "services.nodeports" or "services.loadbalancers",
            "persistentvolumeclaims" => name == "requests.storage" || name.EndsWith(ByStorageClass + "requests.storage", StringComparison.Ordinal)
                || name.EndsWith(ByStorageClass + "persistentvolumeclaims", StringComparison.Ordinal),
            "pods" => name is "cpu" or "memory" or "ephemeral-storage" or "requests.cpu" or "requests.memory" or "requests.ephemeral-storage" or "limits.cpu" or "limits.memory" or "limits.ephemeral-storage"
                || name.StartsWith("hugepages-", StringComparison.Ordinal) || name.StartsWith("requests.hugepages-", StringComparison.Ordinal)
                || DeviceCharges.IsResource(name),
            _ => false,
        };
    }

    /// <summary>Whether a quota is about an object: it limits something that the object costs, and its scopes match.</summary>
    public static bool Matches(ResourceQuota quota, Map<Quantity> hard, GroupResource resource, IObject obj)
    {
        foreach (var (name, _) in hard)
            if (Concerns(resource, name)) return QuotaScopes.Match(quota, obj);
        return false;
    }

    /// <param name="now">Pods that should be gone by then cost nothing but their count.</param>
    /// <param name="devices">What is asked about claims to devices.</param>
    public static Map<Quantity> Of(GroupResource resource, IObject obj, DateTimeOffset now, DeviceCharges devices)
    {
        var (count, plain) = NamesOf(resource);
        var counted = Map.Of((count, Amounts.One));
        if (obj is Pod pod) return Counts(pod, now) ? counted.With(Of(pod)) : counted;
        if (plain is not null) counted = counted.Set(plain, Amounts.One);
        return obj switch
        {
            Service service => counted.With(Of(service)),
            PersistentVolumeClaim claim => counted.With(Of(claim)),
            ResourceClaim claim => counted.With(devices.Of(claim)),
            _ => counted,
        };
    }

    static bool Counts(Pod pod, DateTimeOffset now)
    {
        if (pod.Status.Phase is "Succeeded" or "Failed") return false;
        return pod.Metadata is not { DeletionTimestamp: { } deletion, DeletionGracePeriodSeconds: { } grace } || now <= deletion.AddSeconds(grace);
    }

    static Map<Quantity> Of(Pod pod) => Of(PodAmounts.Requests(pod), PodAmounts.Limits(pod)).Set("pods", Amounts.One);

    static Map<Quantity> Of(Map<Quantity> requests, Map<Quantity> limits)
    {
        var cost = default(Map<Quantity>);
        foreach (var (name, request) in requests)
            if (name is "cpu" or "memory" or "ephemeral-storage" || name.StartsWith("hugepages-", StringComparison.Ordinal)) cost = cost.Set(name, request).Set("requests." + name, request);
            else if (Validate.ResourceRules.IsExtended(name) || name.StartsWith(DeviceCharges.ImplicitResource, StringComparison.Ordinal)) cost = cost.Set("requests." + name, request);
        foreach (var (name, limit) in limits)
            if (name is "cpu" or "memory" or "ephemeral-storage") cost = cost.Set("limits." + name, limit);
        return cost;
    }

    static Map<Quantity> Of(Service service)
    {
        int ports = service.Spec.Type switch
        {
            "NodePort" => service.Spec.Ports.Count,
            "LoadBalancer" => service.Spec.AllocateLoadBalancerNodePorts ?? true ? service.Spec.Ports.Count : service.Spec.Ports.Count(p => p.NodePort != 0),
            _ => 0,
        };
        return Map.Of(("services.nodeports", new Quantity(ports)), ("services.loadbalancers", new Quantity(service.Spec.Type == "LoadBalancer" ? 1 : 0)));
    }

    static Map<Quantity> Of(PersistentVolumeClaim claim)
    {
        var cost = default(Map<Quantity>);
        string name = VolumeNotes.ClassOf(claim);
        if (name.Length > 0) cost = cost.Set(name + ByStorageClass + "persistentvolumeclaims", Amounts.One);
        if (!claim.Spec.Resources.Requests.TryGet("storage", out var storage)) return cost;
        // Until a claim that grew has failed or succeeded, the larger size counts (KEP-1790).
        if (claim.Status.AllocatedResources.TryGet("storage", out var allocated) && allocated > storage) storage = allocated;
        storage = storage.RoundUp(0);
        cost = cost.Set("requests.storage", storage);
        return name.Length > 0 ? cost.Set(name + ByStorageClass + "requests.storage", storage) : cost;
    }

    /// <summary>A quota of processor or memory asks every container to say what it needs.</summary>
    /// <param name="limited">The names that the quota limits.</param>
    /// <returns>What is missing, as in upstream's message; null when nothing is.</returns>
    public static string? Missing(Pod pod, IEnumerable<string> limited)
    {
        if (PodAmounts.HasPodLevel(pod)) return null;
        string[] required = [.. limited.Where(n => n is "cpu" or "memory" or "requests.cpu" or "requests.memory" or "limits.cpu" or "limits.memory").Order(StringComparer.Ordinal)];
        if (required.Length == 0) return null;
        var missing = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var c in pod.Spec.Containers.Concat(pod.Spec.InitContainers))
        {
            var cost = Of(c.Resources.Requests, c.Resources.Limits);
            foreach (string name in required)
                if (!cost.ContainsKey(name))
                {
                    if (!missing.TryGetValue(name, out var containers)) missing[name] = containers = new(StringComparer.Ordinal);
                    containers.Add(c.Name);
                }
        }
        return missing.Count == 0 ? null : "must specify " + string.Join("; ", missing.Select(m => $"{m.Key} for: {string.Join(",", m.Value)}"));
    }
}
