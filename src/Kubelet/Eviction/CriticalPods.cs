using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Static;

namespace Hanbae.Kubelet.Eviction;

/// <summary>Pods that a node or cluster cannot do without, and who has to go for them.</summary>
static class CriticalPods
{
    const int SystemCritical = 2_000_000_000;
    static readonly string[] s_classes = ["BestEffort", "Burstable", "Guaranteed"];

    public static bool IsCritical(Pod pod) => pod.IsStatic() || pod.IsMirror() || pod.Spec.Priority >= SystemCritical;

    /// <summary>Who has to go so that the Pod is let in: as few as will do, the least protected first; empty when nothing helps.</summary>
    public static IReadOnlyList<Pod> Victims(Pod pod, IReadOnlyList<Pod> active, Map<Quantity> allocatable, KubeletOptions options)
    {
        var candidates = active.Where(p => IsCritical(pod) && !IsCritical(p) || p.Spec.Priority < pod.Spec.Priority)
            .OrderBy(p => Array.IndexOf(s_classes, PodQos.Of(p.Spec))).ThenBy(p => p.Spec.Priority ?? 0).ThenByDescending(p => PodQos.Total(p.Spec, "memory", r => r.Requests, milli: false)).ToArray();
        var victims = new List<Pod>();
        foreach (var candidate in candidates)
        {
            if (Fits()) break;
            victims.Add(candidate);
        }
        if (!Fits()) return [];
        // What was taken before something bigger may be more than is needed; the best protected are spared first.
        foreach (var spared in victims.ToArray().Reverse())
        {
            victims.Remove(spared);
            if (!Fits()) victims.Add(spared);
        }
        return victims;

        bool Fits() => PodAdmission.Refuse(pod, active.Where(p => !victims.Contains(p)), allocatable, options) is null;
    }
}
