using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Scheduling.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Turns a Pod's priority class into the number that the scheduler compares; lets only one class be the default.</summary>
sealed class Priority(ServedObjects objects) : IMutates, IValidates
{
    const string PreemptLower = "PreemptLowerPriority";

    public bool Handles(Operation operation, GroupResource resource, string subresource) => subresource.Length == 0 && (resource, operation) switch
    {
        ({ Group: "", Resource: "pods" }, Operation.Create or Operation.Update) => true,
        ({ Group: "scheduling.k8s.io", Resource: "priorityclasses" }, Operation.Create or Operation.Update or Operation.Delete) => true,
        _ => false,
    };

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not Pod pod) return request.Object;
        if (request.Operation == Operation.Update)
            // A client that does not know these fields must not lose them.
            return request.OldObject is Pod { Spec: var old } && (pod.Spec.Priority is null && old.Priority is not null || pod.Spec.PreemptionPolicy is null && old.PreemptionPolicy is not null)
                ? pod with { Spec = pod.Spec with { Priority = pod.Spec.Priority ?? old.Priority, PreemptionPolicy = pod.Spec.PreemptionPolicy ?? old.PreemptionPolicy } } : pod;

        var (name, value, policy) = await ClassOfAsync(request, pod, ct).ConfigureAwait(false);
        if (pod.Spec.Priority is { } given && given != value)
            throw Refuse.Because(request, $"the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name");
        if (pod.Spec.PreemptionPolicy is { } wanted && wanted != policy)
            throw Refuse.Because(request, $"the string value of PreemptionPolicy ({wanted}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name");
        return pod with { Spec = pod.Spec with { PriorityClassName = name, Priority = value, PreemptionPolicy = policy } };
    }

    async ValueTask<(string Name, int Value, string Policy)> ClassOfAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        PriorityClass? found = null;
        if (pod.Spec.PriorityClassName is { Length: > 0 } name)
            found = await objects.FindAsync<PriorityClass>("", name, ct).ConfigureAwait(false) ?? throw Refuse.Because(request, $"no PriorityClass with name {name} was found");
        else
            // Should there be several defaults, the lowest value counts.
            foreach (var candidate in await objects.ListAsync<PriorityClass>("", ct).ConfigureAwait(false))
                if (candidate.GlobalDefault && (found is null || candidate.Value < found.Value)) found = candidate;
        return found is null ? ("", 0, PreemptLower) : (found.Metadata.Name, found.Value, found.PreemptionPolicy ?? PreemptLower);
    }

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is { Operation: Operation.Delete, Name: "system-node-critical" or "system-cluster-critical" })
            throw Errors.Statuses.Forbidden(request.Resource.GroupResource, request.Name, "this is a system priority class and cannot be deleted");
        if (request.Object is not PriorityClass { GlobalDefault: true } mine) return;
        foreach (var other in await objects.ListAsync<PriorityClass>("", ct).ConfigureAwait(false))
            if (other.GlobalDefault && other.Metadata.Name != mine.Metadata.Name)
                throw Refuse.Because(request, $"PriorityClass {other.Metadata.Name} is already marked as default. Only one default can exist");
    }
}
