using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Stats;

/// <summary>Measures how long a Pod took from its creation until the API showed that all its containers run: upstream's Pod startup latency SLI.</summary>
/// <remarks>The SLI leaves out what is not the cluster's doing: the time that images took to come, and the run time of init containers.</remarks>
/// <param name="first">As it was first seen: one that had begun then says nothing, and neither does one that no API server made.</param>
sealed class PodStartup(Pod first, KubeletFigures figures, TimeProvider time)
{
    readonly Lock _gate = new();
    bool _done = first.Status.StartTime is not null || first.Metadata.CreationTimestamp is null || first.Metadata.Annotations.ContainsKey(Static.StaticPods.SourceAnnotation);
    int _pulling;
    DateTimeOffset _pullFrom;
    TimeSpan _pulls;

    /// <summary>An image comes, until what is given is disposed of.</summary>
    public IDisposable Pulls()
    {
        lock (_gate)
            if (_pulling++ == 0) _pullFrom = time.GetUtcNow();
        return new Pull(this);
    }

    void Pulled()
    {
        lock (_gate)
            if (--_pulling == 0) _pulls += time.GetUtcNow() - _pullFrom;
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
            var inits = TimeSpan.Zero;
            foreach (var init in pod.Status.InitContainerStatuses)
                if (init.State?.Terminated is { StartedAt: { } start, FinishedAt: { } end } && end > start) inits += end - start;
            var own = total - _pulls - inits is { Ticks: > 0 } rest ? rest : TimeSpan.Zero;
            figures.Observe("kubelet_pod_start_total_duration_seconds", total);
            if (pod.Spec.Volumes.Exists(IsState)) return;
            figures.Observe("kubelet_pod_start_sli_duration_seconds", own);
            if (!pod.Spec.HostNetwork) figures.FirstWithNetwork(own);
        }
    }

    /// <summary>What has to be attached or mounted first is none of the SLI's; a projected volume is made of what is.</summary>
    static bool IsState(Volume volume) => volume is { Secret: null, ConfigMap: null, DownwardAPI: null, EmptyDir: null, Projected: null };
}
