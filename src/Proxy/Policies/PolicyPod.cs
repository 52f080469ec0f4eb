using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Policies;

/// <summary>A port that a container has a name for.</summary>
internal readonly record struct NamedPort(string Name, string Protocol, int Number);

/// <summary>What policies ask of a Pod. Two that are equal are treated alike: most changes of a Pod change none of this.</summary>
/// <param name="Here">On this node, whose traffic passes through here.</param>
internal sealed record PolicyPod(string Namespace, Map<string> Labels, string Address, bool Here, Seq<NamedPort> Ports)
{
    /// <returns>Null when there is no address that is its own: on the host's network, not started, or ended, when the address may be another's by now.</returns>
    public static PolicyPod? Of(Pod pod, IpFamily family, string node)
    {
        if (pod.Spec.HostNetwork || pod.Status.Phase is "Succeeded" or "Failed") return null;
        string? address = pod.Status.PodIPs.Select(i => i.Ip).Append(pod.Status.PodIP).FirstOrDefault(family.Has);
        // Sidecars serve beside the containers.
        return address is null ? null : new(pod.Metadata.Namespace, pod.Metadata.Labels, address, pod.Spec.NodeName == node,
        [
            .. pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always").Concat(pod.Spec.Containers).SelectMany(c => c.Ports).Where(p => p.Name.Length > 0)
                .Select(p => new NamedPort(p.Name, p.Protocol, p.ContainerPortValue)),
        ]);
    }
}
