using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Terms = Hanbae.Api.Core.V1.NodeAffinity;

namespace Hanbae.Scheduler;

/// <summary>All that a node is asked about a Pod whom no other Pods, volumes or devices concern: Pods of one shape are told the same.</summary>
internal sealed record PodShape(Resources Requests, Seq<HostPort> HostPorts, Map<string> NodeSelector, Terms? NodeAffinity, Seq<Toleration> Tolerations, int Priority, string NodeName)
{
    /// <returns>Null for a Pod of which more is asked than a shape says.</returns>
    public static PodShape? Of(PodInfo pod) =>
        pod.HasVolumes || !pod.Pod.Spec.ResourceClaims.IsEmpty ? null
        : new(pod.Requests, [.. pod.HostPorts], pod.Pod.Spec.NodeSelector, pod.Pod.Spec.Affinity?.NodeAffinity, pod.Pod.Spec.Tolerations, pod.Priority, pod.Pod.Spec.NodeName);

    /// <summary>By what differs most between workloads; the rest is compared.</summary>
    public override int GetHashCode() => HashCode.Combine(Requests.MilliCpu, Requests.Memory, Priority, NodeSelector.Count, Tolerations.Count, NodeName);
}
