using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Tells Pods in which zone and region they are, as labels, when they get their node (KEP-4742).</summary>
sealed class PodTopologyLabels(ServedObjects objects) : IMutates
{
    const string Zone = "topology.kubernetes.io/zone", Region = "topology.kubernetes.io/region";

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation == Operation.Create && resource is { Group: "", Resource: "pods" } && subresource is "" or "binding";

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        string node = request.Object switch { Binding { Target: { Kind: "" or "Node" } target } => target.Name, Pod pod => pod.Spec.NodeName, _ => "" };
        if (node.Length == 0 || await objects.FindAsync<Node>("", node, ct).ConfigureAwait(false) is not { } found) return request.Object;
        var obj = (IObject)request.Object!;
        var labels = obj.Metadata.Labels;
        foreach (string label in (ReadOnlySpan<string>)[Zone, Region])
            if (found.Metadata.Labels.TryGet(label, out string? value)) labels = labels.Set(label, value);
        return labels == obj.Metadata.Labels ? obj : obj.WithMetadata(obj.Metadata with { Labels = labels });
    }
}
