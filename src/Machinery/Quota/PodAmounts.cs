using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Quota;

/// <summary>What a Pod as a whole requests and may use at most.</summary>
/// <remarks>
/// Containers run together, init containers one after the other but for those that stay (KEP-753); what is asked for the Pod as a whole takes the
/// place of the sum (KEP-2837), overhead comes on top. While a resize is on its way the larger of old and new counts (KEP-1287).
/// </remarks>
public static class PodAmounts
{
    public static Map<Quantity> Requests(Pod pod) => Of(pod, r => r.Requests, limits: false);
    public static Map<Quantity> Limits(Pod pod) => Of(pod, r => r.Limits, limits: true);

    static Map<Quantity> Of(Pod pod, Func<ResourceRequirements, Map<Quantity>> part, bool limits)
    {
        bool infeasible = pod.Status.Conditions.Exists(c => c is { Type: "PodResizePending", Reason: "Infeasible" });
        Map<Quantity> Mine(Container c, Seq<ContainerStatus> statuses)
        {
            var asked = part(c.Resources);
            if (statuses.Find(s => s.Name == c.Name)?.Resources is not { } actual) return asked;
            return infeasible ? part(actual) : asked.Larger(part(actual));
        }
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
        total = total.Larger(largest);
        if (pod.Spec.Resources is { } whole) total = total.With(part(whole).Only(IsPodLevel));
        foreach (var (name, extra) in pod.Spec.Overhead)
            // As upstream: a Pod without a limit has none by its overhead.
            if (!limits || total[name].Sign > 0) total = total.Set(name, total[name] + extra);
        return total;
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
