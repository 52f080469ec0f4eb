using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>The node's CPUs in containers' hands: upstream's CPU manager, with its state on disk.</summary>
/// <remarks>Bound: an entry per container with CPUs of its own, of which there are no more than CPUs.</remarks>
sealed class ExclusiveCpus : IPlacer
{
    public const string None = "none", Static = "static";

    readonly CpuStateFile _file;
    readonly PlacementMetrics _metrics;
    readonly ILogger _log;
    readonly Lock _gate = new();
    CpuState _state;

    /// <exception cref="PlacementSettingsException"/>
    public ExclusiveCpus(KubeletOptions options, Topology machine, TopologyPolicy topology, PlacementMetrics metrics, ILogger log)
    {
        (_metrics, _log, _file) = (metrics, log, new(options.Folders.Data, options.CpuManagerPolicy));
        Policy = options.CpuManagerPolicy switch
        {
            None when options.CpuManagerPolicyOptions.IsEmpty => null,
            None => throw new PlacementSettingsException($"None policy: received unsupported options map[{string.Join(' ', options.CpuManagerPolicyOptions.Select(o => $"{o.Key}:{o.Value}"))}]"),
            Static => StaticCpus.Of(options, machine, CpuPolicyOptions.Of(options.CpuManagerPolicyOptions, machine, topology)),
            _ => throw new PlacementSettingsException($"unknown policy: \"{options.CpuManagerPolicy}\""),
        };
        var kept = _file.Load();
        _state = Policy?.Start(kept) ?? CpuState.Empty;
        Keep();
    }

    /// <summary>Null when nobody gets any.</summary>
    public StaticCpus? Policy { get; }

    public CpuState State { get { lock (_gate) return _state; } }

    public IReadOnlyCollection<string> Pods => [.. State.Entries.Keys];

    /// <summary>Those that no other container runs on; empty for none.</summary>
    public CpuSet ExclusiveOf(string podUid, string container) => State.Find(podUid, container) ?? CpuSet.Empty;

    /// <summary>Those that the container may run on; empty for no rule.</summary>
    public CpuSet For(string podUid, string container) => State is var state && Policy is null ? CpuSet.Empty : state.Find(podUid, container) ?? state.Shared;

    public bool Concerns(Pod pod) => Policy is not null && pod.Spec.InitContainers.Concat(pod.Spec.Containers).Any(c => StaticCpus.Wanted(pod, c) > 0);

    public IReadOnlyList<ResourceHints> HintsFor(Pod pod, Container container) => Policy?.Hints(State, pod, container) ?? [];

    public IReadOnlyList<ResourceHints> HintsFor(Pod pod) => Policy?.Hints(State, pod) ?? [];

    public Task AllocateAsync(Pod pod, Container container, TopologyHint hint, CancellationToken ct)
    {
        if (Policy is null || StaticCpus.Wanted(pod, container) == 0) return Task.CompletedTask;
        _metrics.CpuPinning();
        lock (_gate)
        {
            try { _state = Policy.Allocate(_state, pod, container, hint); }
            catch (Exception e) when (e is PlacementException or NotEnoughCpusException)
            {
                _metrics.CpuPinningFailed();
                throw;
            }
            Keep();
        }
        var given = ExclusiveOf(pod.Metadata.Uid, container.Name);
        if (Policy.Options.FullCores) _metrics.Aligned("container", "physical_cpu");
        if (Policy.Options.AlignByUncore && given.Select(id => Policy.Machine[id].Uncore).Distinct().Count() <= 1) _metrics.Aligned("container", "uncore_cache");
        return Task.CompletedTask;
    }

    public void Restore(Pod pod)
    {
        foreach (var container in pod.Spec.InitContainers.Where(PodContainers.IsSidecar).Concat(pod.Spec.Containers))
            try { AllocateAsync(pod, container, TopologyHint.None, default); }
            catch (Exception e) when (e is PlacementException or NotEnoughCpusException) { _log.NotRestored(pod.Metadata.Namespace, pod.Metadata.Name, e.Message); }
    }

    public void Release(string podUid)
    {
        lock (_gate)
        {
            var before = _state;
            _state = _state.Release(podUid);
            if (_state != before) Keep();
        }
    }

    /// <summary>What cannot be written now counts all the same; it is lost only if the kubelet is, too, before the next change.</summary>
    void Keep()
    {
        try { _file.Save(_state); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { _log.PlacementNotKept(CpuStateFile.FileName, e.Message); }
    }
}
