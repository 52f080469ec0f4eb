using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets Pods keep others off their node, but not off a zone.</summary>
sealed class LimitPodHardAntiAffinityTopology : PodCreation
{
    const string HostName = "kubernetes.io/hostname";

    protected override ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        foreach (var term in pod.Spec.Affinity?.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? default)
            if (term.TopologyKey != HostName)
                throw Refuse.Because(request, $"affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {term.TopologyKey} but only key {HostName} is allowed");
        return default;
    }
}
