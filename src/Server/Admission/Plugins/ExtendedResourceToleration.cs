using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Quota;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets Pods that ask for devices onto nodes that are tainted with these devices' names.</summary>
sealed class ExtendedResourceToleration : PodCreation
{
    public override bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource.Length == 0 && resource is { Group: "", Resource: "pods" };

    protected override ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        var tolerations = pod.Spec.Tolerations;
        foreach (string name in pod.Spec.Containers.Concat(pod.Spec.InitContainers).SelectMany(c => c.Resources.Requests).Select(r => r.Key).Where(PodAmounts.IsExtended).Distinct().Order(StringComparer.Ordinal))
            if (!tolerations.Exists(t => t is { Operator: "Exists", Effect: "NoSchedule", Value: "", TolerationSeconds: null } && t.Key == name))
                tolerations = tolerations.Add(new() { Key = name, Operator = "Exists", Effect = "NoSchedule" });
        return new(tolerations.Count == pod.Spec.Tolerations.Count ? pod : pod with { Spec = pod.Spec with { Tolerations = tolerations } });
    }
}
