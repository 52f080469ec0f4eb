using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets nothing into namespaces that do not exist or are ending, and keeps the three that the system needs.</summary>
sealed class NamespaceLifecycle(ServedObjects objects) : IMutates
{
    static readonly GroupResource Namespaces = new("", "namespaces");

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation != Operation.Connect;

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        // To say what of a namespace would be to tell of it.
        if (request.Resource.GroupResource is { Group: "authorization.k8s.io", Resource: "localsubjectaccessreviews" }) return request.Object;
        bool isNamespace = request.Resource.GroupResource == Namespaces;
        if (request.Operation == Operation.Delete)
            return isNamespace && request.Name is ("default" or "kube-system" or "kube-public")
                ? throw Refuse.Because(request, "this namespace may not be deleted") : request.Object;
        if (isNamespace || request.Namespace.Length == 0) return request.Object;
        var ns = await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(Namespaces, request.Namespace);
        if (request.Operation == Operation.Create && ns.Status.Phase == "Terminating") throw Terminating(request);
        return request.Object;
    }

    static StatusException Terminating(AdmissionRequest request)
    {
        var status = Refuse.Because(request, $"unable to create new content in namespace {request.Namespace} because it is being terminated").Status;
        // Controllers recognise the cause and stop trying.
        return new(status with
        {
            Details = status.Details! with
            {
                Causes = [new() { Reason = "NamespaceTerminating", Message = $"namespace {request.Namespace} is being terminated", Field = "metadata.namespace" }],
            },
        });
    }
}
