using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Keeps a namespace's Pods on nodes with certain labels: upstream's PodNodeSelector.</summary>
/// <param name="selectors">By namespace what its Pods may ask for at most, as <c>key=value,…</c>; under <c>clusterDefaultNodeSelector</c> what Pods of namespaces without an annotation get.</param>
sealed class NamespaceNodeSelectors(ServedObjects objects, IReadOnlyDictionary<string, string> selectors) : PodCreation
{
    const string Annotation = "scheduler.alpha.kubernetes.io/node-selector", ClusterDefault = "clusterDefaultNodeSelector";

    protected override async ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        var wanted = await WantedAsync(request, ct).ConfigureAwait(false);
        Check(request, pod, wanted);
        return wanted.IsEmpty ? pod : pod with { Spec = pod.Spec with { NodeSelector = wanted.With(pod.Spec.NodeSelector) } };
    }

    protected override async ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct) => Check(request, pod, await WantedAsync(request, ct).ConfigureAwait(false));

    async ValueTask<Map<string>> WantedAsync(AdmissionRequest request, CancellationToken ct)
    {
        var ns = await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(new("", "namespaces"), request.Namespace);
        return Parse(request, ns.Metadata.Annotations.TryGet(Annotation, out string? own) ? own : selectors.GetValueOrDefault(ClusterDefault, ""));
    }

    void Check(AdmissionRequest request, Pod pod, Map<string> wanted)
    {
        foreach (var (key, value) in wanted)
            if (pod.Spec.NodeSelector.TryGet(key, out string? asked) && asked != value) throw Refuse.Because(request, "pod node label selector conflicts with its namespace node label selector");
        if (!selectors.TryGetValue(request.Namespace, out string? allowed)) return;
        var most = Parse(request, allowed);
        foreach (var (key, value) in pod.Spec.NodeSelector)
            if (!most.IsEmpty && (!most.TryGet(key, out string? granted) || granted != value)) throw Refuse.Because(request, "pod node label selector labels conflict with its namespace whitelist");
    }

    static Map<string> Parse(AdmissionRequest request, string text)
    {
        var labels = default(Map<string>);
        foreach (string term in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            labels = term.Split('=') is [var key, var value] ? labels.Set(key.Trim(), value.Trim()) : throw Refuse.Because(request, $"invalid selector: {term}");
        return labels;
    }
}
