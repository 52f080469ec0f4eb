using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary>Tells of changes of cpu and memory in running Pods (KEP-1287): which are asked for, which wait, which go on; under upstream's names.</summary>
static class ResizeFigures
{
    const string Requested = "kubelet_container_requested_resizes_total", Pending = "kubelet_pod_pending_resizes", InProgress = "kubelet_pod_in_progress_resizes";

    /// <summary>A Pod's spec has changed: each request and limit of a container counts by itself.</summary>
    public static void Count(KubeletFigures figures, Pod was, Pod now)
    {
        if (was.Spec == now.Spec) return;
        foreach (var container in now.Spec.InitContainers.Concat(now.Spec.Containers))
        {
            if (was.Spec.Find(container.Name) is not { } before || before.Resources == container.Resources) continue;
            foreach (string resource in (ReadOnlySpan<string>)["cpu", "memory"])
            {
                Change(resource, "requests", before.Resources.Requests[resource], container.Resources.Requests[resource]);
                Change(resource, "limits", before.Resources.Limits[resource], container.Resources.Limits[resource]);
            }
        }

        void Change(string resource, string requirement, Quantity before, Quantity after)
        {
            if (Operation(before, after) is { } operation) figures.Count(Requested, ("operation", operation), ("requirement", requirement), ("resource", resource));
        }
    }

    static string? Operation(Quantity before, Quantity after) => after.IsZero && !before.IsZero ? "remove" : before.IsZero && !after.IsZero ? "add"
        : after.CompareTo(before) switch { < 0 => "decrease", > 0 => "increase", _ => null };

    public static void Render(PrometheusText text, IReadOnlyCollection<PodWorker> workers)
    {
        var waiting = workers.Select(w => w.PendingResize).OfType<string>().GroupBy(r => r).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
        if (waiting.Length > 0) text.Family(Pending, "gauge", "[ALPHA] Pods whose resize waits, by reason.");
        foreach (var reason in waiting) text.Sample(Pending, PrometheusText.Labels(("reason", reason.Key.ToLowerInvariant())), reason.Count());
        text.Plain(InProgress, "gauge", "[ALPHA] Pods whose resize goes on.", workers.Count(w => w.ResizeInProgress));
    }
}
