using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Keeps Pods off a new node until it says that it is ready.</summary>
sealed class TaintNodesByCondition : IMutates
{
    const string NotReady = "node.kubernetes.io/not-ready", NoSchedule = "NoSchedule";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Create && subresource.Length == 0 && resource is { Group: "", Resource: "nodes" };

    public ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct) =>
        new(request.Object is Node node && !node.Spec.Taints.Exists(t => t is { Key: NotReady, Effect: NoSchedule })
            ? node with { Spec = node.Spec with { Taints = node.Spec.Taints.Add(new() { Key = NotReady, Effect = NoSchedule }) } } : request.Object);
}
