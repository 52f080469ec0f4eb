using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Nodes;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Refuses changes of Pods that the kubelet of their node does not know how to make (KEP-5328).</summary>
sealed class NodeDeclaredFeatureValidator(ServedObjects objects) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource is "" or "resize" && resource is { Group: "", Resource: "pods" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Object: Pod { Spec.NodeName: { Length: > 0 } name } pod, OldObject: Pod old } || pod.Metadata.Generation == old.Metadata.Generation) return;
        var needed = DeclaredFeatures.NeededFor(old.Spec, pod.Spec);
        if (needed.IsEmpty) return;
        if (await objects.FindAsync<Node>("", name, ct).ConfigureAwait(false) is not { } node) throw Refuse.Because(request, $"node \"{name}\" not found");
        var missing = DeclaredFeatures.Missing(needed, node);
        if (!missing.IsEmpty) throw Refuse.Because(request, $"pod update requires features {string.Join(", ", missing)} which are not available on node \"{name}\"");
    }
}
