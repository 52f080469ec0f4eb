using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Nodes;

/// <summary>Notices nodes that fall silent, and marks each node by what it is fit for.</summary>
sealed class Lifecycle(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    internal const string ByNode = "node-lifecycle/node";
    /// <summary>Upstream's node-monitor-period.</summary>
    static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    readonly IClient _client = cluster.Client;
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Lease> _leases = cluster.Cache<Lease>(new() { Namespace = "kube-node-lease" });
    readonly ConcurrentDictionary<string, Pulse> _pulses = new();

    public void Watch(Triggers on)
    {
        IndexNodes(_pods);
        // Leases are renewed often, and each renewal means nothing: they are read at regular times.
        on.Each(_nodes).Needs(_leases).Needs(_pods);
    }

    public static void IndexNodes(ICache<Pod> pods) => pods.AddIndex(ByNode, p => p.Spec.NodeName.Length > 0 ? [p.Spec.NodeName] : []);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_nodes.Find(key) is not { } node) { _pulses.TryRemove(key.Name, out _); return Again.OnChange; }
        var now = cluster.Time.GetUtcNow();
        var renewed = _leases.Find(new("kube-node-lease", key.Name))?.Spec.RenewTime;
        var pulse = Pulse.Next(_pulses.TryGetValue(key.Name, out var last) ? last : null, renewed, node, now);
        _pulses[key.Name] = pulse;

        bool silent = now - pulse.Since >= options.NodeMonitorGracePeriod;
        bool wasReady = node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });
        if (silent) node = await _client.UpdateStatusIfChangedAsync(node, Health.Silent(node, now), ct);
        var taints = Taints.For(node, now);
        if (taints != node.Spec.Taints) node = await _client.UpdateAsync(node with { Spec = node.Spec with { Taints = taints } }, ct);
        if (!node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" }))
        {
            if (wasReady) cluster.Recorder.Event(node, "Normal", "NodeNotReady", $"Node {key.Name} status is now: NodeNotReady");
            await MarkPodsAsync(key.Name, now, ct);
        }
        return Again.In(Period);
    }

    async Task MarkPodsAsync(string node, DateTimeOffset now, CancellationToken ct)
    {
        foreach (var pod in _pods.ByIndex(ByNode, node))
            try { await _client.UpdateStatusIfChangedAsync(pod, Health.NotReady(pod, now), ct); }
            catch (ApiException e) when (e.IsNotFound) { }
    }
}
