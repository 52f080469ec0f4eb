using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Quota;

/// <summary>What a Pod as a whole requests and may use at most.</summary>
/// <remarks>
/// Containers run together, init containers one after the other but for those that stay (KEP-753); what is asked for the Pod as a whole takes the
/// place of the sum (KEP-2837), overhead comes on top. While a resize is on its way, the largest of what is asked for, what the node has granted and what is in
/// force counts (KEP-1287), for the Pod as a whole too (KEP-5419).
/// </remarks>
public static class PodAmounts
{
    delegate Map<Quantity> Part(Container container, ContainerStatus? status);

    /// <param name="missing">What a container counts as that does not ask for it.</param>
    public static Map<Quantity> Requests(Pod pod, Map<Quantity> missing = default)
    {
        bool infeasible = IsInfeasible(pod);
        Map<Quantity> Allocated(Container c, ContainerStatus? s) => s is { AllocatedResources.IsNil: false } ? s.AllocatedResources : infeasible ? default : c.Resources.Requests;
        Map<Quantity> Actual(Container c, ContainerStatus? s) => s?.Resources is { Requests.IsNil: false } inForce ? inForce.Requests : Allocated(c, s);
        var (allocated, actual) = pod.Status is { AllocatedResources.IsNil: false, Resources.Requests.IsNil: false } whole ? (whole.AllocatedResources, whole.Resources.Requests)
            : (Sum(pod, Allocated, missing), Sum(pod, Actual, missing));
        var total = actual.Larger(allocated);
        if (!infeasible) total = Sum(pod, (c, _) => c.Resources.Requests, missing).Larger(total);
        if (pod.Spec.Resources is { } asked && asked.Requests.Any(r => IsPodLevel(r.Key)))
            total = total.With((pod.Status.Resources is { } now ? (infeasible ? default : asked.Requests).Larger(now.Requests).Larger(pod.Status.AllocatedResources) : asked.Requests).Only(IsPodLevel));
        return total.Plus(pod.Spec.Overhead);
    }

    public static Map<Quantity> Limits(Pod pod)
    {
        bool infeasible = IsInfeasible(pod);
        var total = pod.Status.Resources is { Limits.IsNil: false } whole ? whole.Limits
            : Sum(pod, (c, s) => s?.Resources is { Limits.IsNil: false } inForce ? inForce.Limits : infeasible ? default : c.Resources.Limits, default);
        if (!infeasible) total = Sum(pod, (c, _) => c.Resources.Limits, default).Larger(total);
        if (pod.Spec.Resources is { } asked)
            total = total.With((pod.Status.Resources is { } now ? (infeasible ? default : asked.Limits).Larger(now.Limits) : asked.Limits).Only(IsPodLevel));
        foreach (var (name, extra) in pod.Spec.Overhead)
            // As upstream: a Pod without a limit has none by its overhead.
            if (total[name].Sign > 0) total = total.Set(name, total[name] + extra);
        return total;
    }

    /// <summary>Whether the Pod has what it asks for, as far as its status says: no resize is on its way, and the spec alone counts.</summary>
    public static bool IsSettled(Pod pod)
    {
        if (pod.Status.Resources is not null || pod.Status is { AllocatedResources.IsNil: false }) return false;
        return Has(pod.Spec.Containers, pod.Status.ContainerStatuses) && Has(pod.Spec.InitContainers, pod.Status.InitContainerStatuses);

        static bool Has(Seq<Container> containers, Seq<ContainerStatus> statuses)
        {
            foreach (var s in statuses)
            {
                if (s.Resources is null && s.AllocatedResources.IsNil) continue;
                if (containers.Find(c => c.Name == s.Name) is not { } c) continue;
                if (!s.AllocatedResources.IsNil && s.AllocatedResources != c.Resources.Requests) return false;
                if (s.Resources is { Requests.IsNil: false } now && now.Requests != c.Resources.Requests) return false;
            }
            return true;
        }
    }

    /// <summary>The node will never grant what is asked for now.</summary>
    static bool IsInfeasible(Pod pod) => pod.Status.Conditions.Find(c => c.Type == "PodResizePending")?.Reason == "Infeasible";

    static Map<Quantity> Sum(Pod pod, Part part, Map<Quantity> missing)
    {
        Map<Quantity> Mine(Container c, Seq<ContainerStatus> statuses) => missing.With(part(c, statuses.Find(s => s.Name == c.Name)));
        var total = default(Map<Quantity>);
        foreach (var c in pod.Spec.Containers) total = total.Plus(Mine(c, pod.Status.ContainerStatuses));
        var (sidecars, largest) = (default(Map<Quantity>), default(Map<Quantity>));
        foreach (var c in pod.Spec.InitContainers)
        {
            var mine = Mine(c, pod.Status.InitContainerStatuses);
            if (c.RestartPolicy == "Always")
            {
                total = total.Plus(mine);
                mine = sidecars = sidecars.Plus(mine);
            }
            else mine = mine.Plus(sidecars);
            largest = largest.Larger(mine);
        }
        return total.Larger(largest);
    }

    /// <summary>Whether it is a resource that somebody outside of Kubernetes has named: a device.</summary>
    public static bool IsExtended(string name) => Validate.ResourceRules.IsExtended(name);

    /// <summary>What can be asked for a Pod as a whole.</summary>
    static bool IsPodLevel(string name) => name is "cpu" or "memory" || name.StartsWith("hugepages-", StringComparison.Ordinal);

    /// <summary>Whether it asks for anything as a whole, which frees its containers of asking.</summary>
    public static bool HasPodLevel(Pod pod) => pod.Spec.Resources is { } whole && whole.Requests.Concat(whole.Limits).Any(p => IsPodLevel(p.Key));

    /// <summary>Whether it requests anything as a whole.</summary>
    public static bool RequestsPodLevel(Pod pod) => pod.Spec.Resources is { } whole && whole.Requests.Any(p => IsPodLevel(p.Key));

    /// <summary>Whether nothing asks for processor or memory: the Pod is of the class BestEffort.</summary>
    public static bool IsBestEffort(Pod pod)
    {
        if (pod.Status.QosClass.Length > 0) return pod.Status.QosClass == "BestEffort";
        static bool Asks(ResourceRequirements? r) => r is not null && r.Requests.Concat(r.Limits).Any(p => p.Key is "cpu" or "memory" && p.Value.Sign > 0);
        return !Asks(pod.Spec.Resources) && !pod.Spec.Containers.Exists(c => Asks(c.Resources)) && !pod.Spec.InitContainers.Exists(c => Asks(c.Resources));
    }
}
