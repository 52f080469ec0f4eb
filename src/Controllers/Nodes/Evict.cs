using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Nodes;

/// <summary>Removes Pods from nodes whose NoExecute taints they do not bear, or no longer.</summary>
sealed class Evict(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    /// <summary>Since when Pods have been seen to have to leave some time: as many as there are on tainted nodes.</summary>
    readonly ConcurrentDictionary<Key, DateTimeOffset> _since = [];

    public void Watch(Triggers on)
    {
        Lifecycle.IndexNodes(_pods);
        on.When(_pods, e => e.New is { } pod && pod.Spec.NodeName.Length > 0 && (e.Old is null || e.Old.Spec != pod.Spec))
            .From(add => _nodes.Subscribe(e =>
            {
                if (e.New is null || e.Old is { } old && old.Spec.Taints == e.New.Spec.Taints) return;
                foreach (var pod in _pods.ByIndex(Lifecycle.ByNode, e.New.Metadata.Name)) add(Key.Of(pod));
            })).Needs(_nodes);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var now = cluster.Time.GetUtcNow();
        if (_pods.Find(key) is not { Metadata.DeletionTimestamp: null } pod || _nodes.Find(new("", pod.Spec.NodeName)) is not { } node
            || Taints.LeavesAt(pod, node.Spec.Taints, _since.GetOrAdd(key, now), now) is not { } at)
        {
            _since.TryRemove(key, out _);
            return Again.OnChange;
        }
        if (at > now) return Again.At(at);
        cluster.Recorder.Event(pod, "Normal", "TaintManagerEviction", "Marking for deletion Pod " + key);
        var marked = Disruption.Mark(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", now);
        await cluster.Client.UpdateStatusIfChangedAsync(pod, marked, ct);
        await cluster.Client.TryDeleteAsync<Pod>(key, Preconditions.Uid(pod), ct);
        _since.TryRemove(key, out _);
        return Again.OnChange;
    }
}
