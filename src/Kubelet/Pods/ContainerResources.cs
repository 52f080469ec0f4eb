using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>What a container asks for and may use, as it is told to containers: <c>resourceFieldRef</c>.</summary>
static class ContainerResources
{
    /// <param name="self">Meant when the reference names none.</param>
    /// <param name="node">What a container without a limit may use, if the Pod has none either.</param>
    /// <exception cref="ContainerConfigException">There is no such container or resource.</exception>
    public static string Value(Pod pod, ResourceFieldSelector reference, Container? self, Node? node)
    {
        string name = reference.ContainerName;
        var container = name.Length == 0 && self is not null ? self
            : pod.Spec.Containers.Find(c => c.Name == name) ?? pod.Spec.InitContainers.Find(c => c.Name == name)
            ?? throw new ContainerConfigException($"container {name} not found");

        string resource = reference.Resource;
        bool limit = resource.StartsWith("limits.", StringComparison.Ordinal);
        string of = resource[(resource.IndexOf('.') + 1)..];
        bool huge = of.StartsWith("hugepages-", StringComparison.Ordinal);
        if ((!limit && !resource.StartsWith("requests.", StringComparison.Ordinal)) || !(huge || of is "cpu" or "memory" or "ephemeral-storage"))
            throw new ContainerConfigException("unsupported container resource : " + resource);

        var amount = (limit ? container.Resources.Limits : container.Resources.Requests)[of];
        if (limit && amount.IsZero && !huge) amount = Most(pod, of, node);
        return Divided(amount, reference.Divisor, milli: of == "cpu").ToString(CultureInfo.InvariantCulture);
    }

    static Quantity Most(Pod pod, string resource, Node? node)
    {
        // The Pod's own limits (KEP-2837) come before what the node has.
        if (resource is "cpu" or "memory" && pod.Spec.Resources?.Limits[resource] is { IsZero: false } ofPod) return ofPod;
        return node is null ? throw new ContainerConfigException("failed to find node object, expected a node") : node.Status.Allocatable[resource];
    }

    /// <summary>Rounded up; no divisor is one.</summary>
    static long Divided(Quantity amount, Quantity divisor, bool milli)
    {
        if (divisor.IsZero) divisor = new Quantity(1);
        var (whole, by) = milli ? (amount.MilliValue(), divisor.MilliValue()) : (amount.Value(), divisor.Value());
        return whole / by + (whole % by > 0 ? 1 : 0);
    }
}
