using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>A plugin that only looks at Pods when they are made.</summary>
abstract class PodCreation : IMutates, IValidates
{
    public virtual bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Create && subresource.Length == 0 && resource is { Group: "", Resource: "pods" };

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct) =>
        request.Object is Pod pod ? await ChangeAsync(request, pod, ct).ConfigureAwait(false) : request.Object;

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is Pod pod) await CheckAsync(request, pod, ct).ConfigureAwait(false);
    }

    protected virtual ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct) => new(pod);
    protected virtual ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct) => default;
}
