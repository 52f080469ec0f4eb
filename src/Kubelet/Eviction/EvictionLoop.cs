using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Eviction;

/// <summary>Ends Pods before the kernel does it blindly: when memory, disk or process ids run short, and when a Pod takes more disk than it may.</summary>
/// <remarks>One Pod a round, and no other before it has gone: what it frees shows only then. Images go before Pods where the disk is short.</remarks>
sealed class EvictionLoop(PodContext context, PodSampler sampler, PodWorkers workers, ImageGc images)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly Threshold[] _watched = Threshold.Watched(context.Options);
    readonly Dictionary<Threshold, DateTimeOffset> _since = []; // as many as thresholds
    readonly Dictionary<string, DateTimeOffset> _seen = []; // three conditions
    volatile IReadOnlyList<string> _conditions = [];
    PodWorker? _leaving;
    DateTimeOffset _leavingSince;

    /// <summary>The runtime may say only later where it keeps what.</summary>
    public Func<DiskLayout> Disks { get; init; } = () => images.Disks;
    /// <summary>Read for tests; otherwise what the machine says.</summary>
    public Func<Dictionary<string, Observed>>? Observe { get; init; }

    /// <summary>The node's pressures: <c>MemoryPressure</c>, <c>DiskPressure</c>, <c>PIDPressure</c>.</summary>
    public IReadOnlyList<string> Conditions => _conditions;

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(context.Options.EvictionPeriod, context.Time, ct).ConfigureAwait(false);
            try { await OnceAsync(ct).ConfigureAwait(false); }
            catch (Exception e) when (e is GrpcException or IOException && !ct.IsCancellationRequested) { context.Log.NoFigures(e.Message); }
        }
    }

    public async Task OnceAsync(CancellationToken ct)
    {
        var now = context.Time.GetUtcNow();
        var disks = Disks();
        var observed = Look(disks);
        var met = disks.With(_watched).Where(t => Short(t, observed)).ToArray();
        foreach (var threshold in _since.Keys.Except(met).ToArray()) _since.Remove(threshold);
        foreach (var threshold in met) _since.TryAdd(threshold, now);
        foreach (var threshold in met) _seen[threshold.Condition] = now;
        _conditions = [.. _seen.Where(s => now - s.Value < context.Options.PressureTransition || met.Any(t => t.Condition == s.Key)).Select(s => s.Key).Order(StringComparer.Ordinal)];

        NodeUse? use = null;
        if (context.Active().Any(HasDiskLimit))
        {
            use = await sampler.ReadAsync(ct).ConfigureAwait(false);
            foreach (var pod in use.Pods)
                if (EvictionRank.OverLimit(pod) is { } why) Evict(pod.Pod, why, disruption: false, grace: 1);
        }

        // Memory first: it kills soonest. A soft threshold counts only after its grace.
        var due = met.Where(t => t.Grace is not { } grace || now - _since[t] >= grace).OrderBy(t => t.Condition == "MemoryPressure" ? 0 : 1).ThenBy(t => t.Grace is null ? 0 : 1).FirstOrDefault();
        if (due is null || _leaving is { Done: false, Runtime.IsRunning: true } && now - _leavingSince < s_patience) return;
        if (disks.ImagesCount(due.Signal) && await images.FreeAsync(long.MaxValue, ct).ConfigureAwait(false) > 0 && !Short(due, Look(disks))) return;
        use ??= await sampler.ReadAsync(ct).ConfigureAwait(false);
        // After a start what runs is seen little by little: who goes first is decided when all of it is.
        if (workers.All.Any(w => !w.Ended && w.Pod.Status.StartTime is not null && (w.Runtime is null || (w.Runtime.IsRunning && !use.Pods.Any(p => p.Pod.Metadata.Uid == w.Pod.Metadata.Uid))))) return;
        var alive = use.Pods.Where(p => workers.Find(p.Pod.Metadata.Uid) is { Ended: false });
        if (EvictionRank.Order(due.Signal, alive, disks).FirstOrDefault() is not { } victim) return;
        var what = observed[due.Signal];
        long? patience = due.Grace is null ? 1 : Math.Min((long)context.Options.EvictionMaxGrace.TotalSeconds, victim.Pod.GraceSeconds());
        Evict(victim.Pod, EvictionRank.Message(due, what.Capacity, what.Available, victim), disruption: true, patience, EvictionRank.Annotations(due, victim));
        context.Figures.Observe("kubelet_eviction_stats_age_seconds", now > use.At ? now - use.At : TimeSpan.Zero, ("eviction_signal", due.Signal));
        context.Figures.Count("kubelet_evictions", ("eviction_signal", due.Signal));
        (_leaving, _leavingSince) = (workers.Find(victim.Pod.Metadata.Uid), now);
    }

    Dictionary<string, Observed> Look(DiskLayout disks)
    {
        if (Observe is not null) return Observe();
        var all = Observed.All(context.Options.Folders.Data, disks);
        if (_watched.Any(t => t.Signal == Threshold.AllocatableMemory) && sampler.AllPods() is { MemoryLimit: > 0 } pods) all[Threshold.AllocatableMemory] = new(pods.Available, pods.MemoryLimit);
        return all;
    }

    /// <summary>Once it was short, it stays so until the bound and what is to be won back are there.</summary>
    bool Short(Threshold threshold, Dictionary<string, Observed> observed) =>
        observed.TryGetValue(threshold.Signal, out var o) && o.Available < threshold.Of(o.Capacity) + (_since.ContainsKey(threshold) ? threshold.Reclaim(o.Capacity) : 0);

    static bool HasDiskLimit(Pod pod) =>
        pod.Spec.Volumes.Exists(v => v.EmptyDir?.SizeLimit is { Sign: > 0 }) || pod.Spec.Containers.Exists(c => c.Resources.Limits.ContainsKey("ephemeral-storage"));

    void Evict(Pod pod, string message, bool disruption, long? grace, Map<string> annotations = default)
    {
        if (workers.Find(pod.Metadata.Uid) is not { Ended: false } worker || CriticalPods.IsCritical(pod)) return;
        context.Log.Evicting(pod.Metadata.Namespace, pod.Metadata.Name, message);
        context.Events.Annotated(pod, annotations, "Warning", "Evicted", message);
        worker.Fail(new("Evicted", message), disruption ? message : null, grace);
    }
}
