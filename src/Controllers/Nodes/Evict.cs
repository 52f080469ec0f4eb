using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Nodes;

/// <summary>Removes Pods from nodes whose NoExecute taints they do not bear, or no longer.</summary>
/// <remarks>As upstream: as long as there is any such taint a Pod leaves when the first of them said; only when none asks it to go any more is that forgotten.</remarks>
sealed class Evict(IClusterAccess cluster) : IReconciler
{
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    /// <summary>Those that may stay for a while; as many as there are on tainted nodes.</summary>
    readonly ConcurrentDictionary<Key, Stay> _stays = [];

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
        var pod = _pods.Find(key);
        if (pod is null || pod.Metadata.DeletionTimestamp is not null || _nodes.Find(new("", pod.Spec.NodeName)) is not { } node
            || Stay.Next(_stays.TryGetValue(key, out var known) ? known : null, pod, node.Spec.Taints, now) is not { } stay)
        {
            if (_stays.TryRemove(key, out _) && pod is { Metadata.DeletionTimestamp: null }) cluster.Recorder.Event(pod, "Normal", "TaintManagerEviction", "Cancelling deletion of Pod " + key);
            return Again.OnChange;
        }
        if (stay.Until > now)
        {
            _stays[key] = stay;
            return Again.At(stay.Until);
        }
        cluster.Recorder.Event(pod, "Normal", "TaintManagerEviction", "Marking for deletion Pod " + key);
        var marked = Disruption.Mark(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", now);
        await cluster.Client.UpdateStatusIfChangedAsync(pod, marked, ct);
        await cluster.Client.TryDeleteAsync<Pod>(key, Preconditions.Uid(pod), ct);
        _stays.TryRemove(key, out _);
        return Again.OnChange;
    }
}

/// <summary>How long a Pod may stay on a node that has taints.</summary>
/// <param name="Since">When the Pod was first seen under them: counts for those that do not say when they came.</param>
readonly record struct Stay(string Uid, DateTimeOffset Since, DateTimeOffset Until)
{
    /// <param name="last">What was known before.</param>
    /// <returns>Null when the Pod need not leave.</returns>
    public static Stay? Next(Stay? last, Pod pod, Seq<Taint> taints, DateTimeOffset now)
    {
        if (last?.Uid != pod.Metadata.Uid) last = null;
        var since = last?.Since ?? now;
        if (Taints.LeavesAt(pod, taints, since, now) is not { } at) return null;
        // Other taints may come in the place of those that were: what a Pod has borne counts.
        return new(pod.Metadata.Uid, since, last is { } before && before.Until < at ? before.Until : at);
    }
}
