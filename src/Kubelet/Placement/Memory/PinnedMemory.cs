using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Placement.Memory;

/// <summary>The node's memory in containers' hands: upstream's memory manager, with its state on disk.</summary>
/// <remarks>Bound: an entry per container of the node's Guaranteed Pods.</remarks>
sealed class PinnedMemory : IPlacer
{
    public const string None = "None", Static = "Static";

    readonly MemoryStateFile _file;
    readonly PlacementMetrics _metrics;
    readonly ILogger _log;
    readonly Lock _gate = new();
    MemoryState _state;

    /// <exception cref="PlacementSettingsException"/>
    public PinnedMemory(KubeletOptions options, Topology machine, PlacementMetrics metrics, ILogger log)
    {
        (_metrics, _log, _file) = (metrics, log, new(options.Folders.Data, options.MemoryManagerPolicy));
        Policy = options.MemoryManagerPolicy switch
        {
            None => null,
            Static => StaticMemory.Of(options, machine),
            _ => throw new PlacementSettingsException($"unknown policy: \"{options.MemoryManagerPolicy}\""),
        };
        var kept = _file.Load();
        _state = Policy?.Start(kept) ?? MemoryState.Empty;
        Keep();
    }

    /// <summary>Null when memory has no place.</summary>
    public StaticMemory? Policy { get; }

    public MemoryState State { get { lock (_gate) return _state; } }

    public IReadOnlyCollection<string> Pods => [.. State.Entries.Keys];

    public ImmutableArray<MemoryBlock> Of(string podUid, string container) => State.Find(podUid, container) ?? [];

    public bool Concerns(Pod pod) => Policy is not null && StaticMemory.Concerns(pod);

    public IReadOnlyList<ResourceHints> HintsFor(Pod pod, Container container) => Policy?.Hints(State, pod, container) ?? [];

    public IReadOnlyList<ResourceHints> HintsFor(Pod pod) => Policy?.Hints(State, pod) ?? [];

    public Task AllocateAsync(Pod pod, Container container, TopologyHint hint, CancellationToken ct)
    {
        if (!Concerns(pod)) return Task.CompletedTask;
        _metrics.MemoryPinning();
        lock (_gate)
        {
            try { _state = Policy!.Allocate(_state, pod, container, hint); }
            catch (InvalidOperationException)
            {
                _metrics.MemoryPinningFailed();
                throw;
            }
            Keep();
        }
        return Task.CompletedTask;
    }

    public void Restore(Pod pod)
    {
        foreach (var container in pod.Spec.InitContainers.Where(PodContainers.IsSidecar).Concat(pod.Spec.Containers))
            try { AllocateAsync(pod, container, TopologyHint.None, default); }
            catch (InvalidOperationException e) { _log.NotRestored(pod.Metadata.Namespace, pod.Metadata.Name, e.Message); }
    }

    public void Release(string podUid)
    {
        lock (_gate)
        {
            if (!_state.Entries.ContainsKey(podUid)) return;
            _state = _state.Release(podUid);
            Keep();
        }
    }

    void Keep()
    {
        try { _file.Save(_state); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { _log.PlacementNotKept(MemoryStateFile.FileName, e.Message); }
    }
}
