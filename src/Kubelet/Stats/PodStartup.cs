using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Stats;

/// <summary>Measures how long a Pod took from its creation until the API showed that all its containers run: upstream's Pod startup latency SLI.</summary>
/// <remarks>The SLI leaves out what is not the cluster's doing: the time that images took to come, and the run time of init containers.</remarks>
/// <param name="first">As it was first seen: one that had begun then says nothing, and neither does one that no API server made.</param>
sealed class PodStartup(Pod first, KubeletFigures figures, TimeProvider time)
{
    readonly Lock _gate = new();
    bool _done = first.Status.StartTime is not null || first.Metadata.CreationTimestamp is null || first.Metadata.Annotations.ContainsKey(Static.StaticPods.SourceAnnotation);
    DateTimeOffset? _pullFrom, _pullTo;

    /// <summary>An image comes, until what is given is disposed of.</summary>
    public IDisposable Pulls()
    {
        lock (_gate) _pullFrom ??= time.GetUtcNow();
        return new Pull(this);
    }

    void Pulled()
    {
        lock (_gate) _pullTo = time.GetUtcNow();
    }

    sealed class Pull(PodStartup startup) : IDisposable
    {
        bool _over;

        public void Dispose()
        {
            if (_over) return;
            _over = true;
            startup.Pulled();
        }
    }

    /// <summary>The API shows the Pod so.</summary>
    public void Seen(Pod pod)
    {
        lock (_gate)
        {
            if (_done || pod.Status.ContainerStatuses.IsEmpty || pod.Status.ContainerStatuses.Count != pod.Spec.Containers.Count
                || pod.Status.ContainerStatuses.Exists(c => c.State?.Running is null)) return;
            _done = true;
            var total = time.GetUtcNow() - pod.Metadata.CreationTimestamp!.Value;
            var pulls = _pullFrom is { } from && _pullTo is { } to ? to - from : TimeSpan.Zero;
            var inits = TimeSpan.Zero;
            foreach (var init in pod.Status.InitContainerStatuses)
                if (init.State?.Terminated is { StartedAt: { } start, FinishedAt: { } end } && end > start) inits += end - start;
            var own = total - pulls - inits;
            var label = ("first_with_network", !pod.Spec.HostNetwork && figures.IsFirstWithNetwork() ? "true" : "false");
            figures.Observe("kubelet_pod_start_total_duration_seconds", total, label);
            figures.Observe("kubelet_pod_start_sli_duration_seconds", own > TimeSpan.Zero ? own : TimeSpan.Zero, label);
        }
    }
}
