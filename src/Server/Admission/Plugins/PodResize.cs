using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Quota;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Refuses at once what a Pod's node could never grant: more than all that it has, or anything where nothing can be resized.</summary>
sealed class PodResize(ServedObjects objects) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource == "resize" && resource is { Group: "", Resource: "pods" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Object: Pod { Spec.NodeName: { Length: > 0 } name } pod, OldObject: Pod old } || pod.Metadata.Generation == old.Metadata.Generation) return;
        if (await objects.FindAsync<Node>("", name, ct).ConfigureAwait(false) is not { } node) throw Refuse.Because(request, $"node \"{name}\" not found");
        // One that does not say what it runs may well be linux.
        if (node.Metadata.Labels["kubernetes.io/os"] is { Length: > 0 } system && system != "linux")
            throw Refused(request, $"pod resize is only supported on linux nodes, node \"{name}\" is \"{system}\"", "UnsupportedPlatform");
        var asked = PodAmounts.Requests(pod);
        var lacking = new List<string>();
        static long Cpu(Map<Quantity> amounts) => amounts["cpu"].MilliValue();
        static long Memory(Map<Quantity> amounts) => amounts["memory"].Value();
        if (Cpu(asked) > Cpu(node.Status.Allocatable)) lacking.Add($"cpu, requested: {Cpu(asked)}, allocatable: {Cpu(node.Status.Allocatable)}");
        if (Memory(asked) > Memory(node.Status.Allocatable)) lacking.Add($"memory, requested: {Memory(asked)}, allocatable: {Memory(node.Status.Allocatable)}");
        if (lacking.Count > 0) throw Refused(request, "node didn't have enough allocatable resources: " + string.Join("; ", lacking), "NodeCapacity");
    }

    static StatusException Refused(AdmissionRequest request, string why, string cause)
    {
        var status = Refuse.Because(request, why).Status;
        return new(status with { Details = status.Details! with { Causes = [new StatusCause { Reason = cause }] } });
    }
}
