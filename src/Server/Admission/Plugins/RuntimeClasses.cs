using Hanbae.Api.Core.V1;
using Hanbae.Api.Node.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Gives Pods of a runtime class what the class costs, and the nodes that have it.</summary>
sealed class RuntimeClasses(ServedObjects objects) : PodCreation
{
    protected override async ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        if (pod.Spec.RuntimeClassName is null) return pod;
        var found = await FindAsync(request, pod, ct).ConfigureAwait(false);
        if (found.Overhead is { } overhead)
        {
            if (!pod.Spec.Overhead.IsEmpty && pod.Spec.Overhead != overhead.PodFixed) throw Mismatch(request);
            pod = pod with { Spec = pod.Spec with { Overhead = overhead.PodFixed } };
        }
        if (found.Scheduling is not { } scheduling) return pod;
        var selector = pod.Spec.NodeSelector;
        foreach (var (key, value) in scheduling.NodeSelector)
            if (selector.TryGet(key, out string? own) && own != value)
                throw Refuse.Because(request, $"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own}");
            else selector = selector.Set(key, value);
        var tolerations = pod.Spec.Tolerations;
        foreach (var toleration in scheduling.Tolerations)
            if (!tolerations.Contains(toleration)) tolerations = tolerations.Add(toleration);
        return pod with { Spec = pod.Spec with { NodeSelector = selector, Tolerations = tolerations } };
    }

    protected override async ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        var found = pod.Spec.RuntimeClassName is null ? null : await FindAsync(request, pod, ct).ConfigureAwait(false);
        if (found?.Overhead is { } overhead)
        {
            if (pod.Spec.Overhead != overhead.PodFixed) throw Mismatch(request);
        }
        else if (!pod.Spec.Overhead.IsEmpty) throw Refuse.Because(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    }

    static Errors.StatusException Mismatch(AdmissionRequest request) => Refuse.Because(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");

    async ValueTask<RuntimeClass> FindAsync(AdmissionRequest request, Pod pod, CancellationToken ct) =>
        await objects.FindAsync<RuntimeClass>("", pod.Spec.RuntimeClassName!, ct).ConfigureAwait(false)
        ?? throw Refuse.Because(request, $"pod rejected: RuntimeClass \"{pod.Spec.RuntimeClassName}\" not found");
}
