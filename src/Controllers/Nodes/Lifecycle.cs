using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Nodes;

/// <summary>Notices nodes that fall silent, and marks each node by what it is fit for.</summary>
/// <remarks>As upstream: nothing new comes to a node that fails from the moment that is seen; what runs there is driven off as <see cref="Zones"/> allow.</remarks>
sealed class Lifecycle(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    internal const string ByNode = "node-lifecycle/node";
    /// <summary>Upstream's node-monitor-period.</summary>
    static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    /// <summary>Labels that old manifests choose by, kept as those that replaced them.</summary>
    static readonly (string Label, string Old)[] Renamed = [("kubernetes.io/os", "beta.kubernetes.io/os"), ("kubernetes.io/arch", "beta.kubernetes.io/arch")];

    readonly IClient _client = cluster.Client;
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Lease> _leases = cluster.Cache<Lease>(new() { Namespace = "kube-node-lease" });
    readonly ConcurrentDictionary<string, Pulse> _pulses = new();
    /// <summary>The nodes that were told of as registered.</summary>
    readonly ConcurrentDictionary<string, Node> _known = new();
    readonly Zones _zones = new(options.NodeEviction, cluster.Time);

    public void Watch(Triggers on)
    {
        IndexNodes(_pods);
        // Leases are renewed often, and each renewal means nothing: they are read at regular times.
        on.From(add => _nodes.Subscribe(e =>
        {
            bool all = _zones.See(e);
            if (all) foreach (var node in _nodes.All) add(Key.Of(node));
        })).Each(_nodes).Needs(_leases).Needs(_pods);
    }

    public static void IndexNodes(ICache<Pod> pods) => pods.AddIndex(ByNode, p => p.Spec.NodeName.Length > 0 ? [p.Spec.NodeName] : []);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_nodes.Find(key) is not { } node)
        {
            _pulses.TryRemove(key.Name, out _);
            if (_known.TryRemove(key.Name, out var gone)) cluster.Recorder.Event(gone, "Normal", "RemovingNode", $"Node {key.Name} event: Removing Node {key.Name} from Controller");
            return Again.OnChange;
        }
        if (_known.TryAdd(key.Name, new() { Metadata = new() { Name = key.Name, Uid = node.Metadata.Uid } }))
            cluster.Recorder.Event(node, "Normal", "RegisteredNode", $"Node {key.Name} event: Registered Node {key.Name} in Controller");
        // What it is like is weighed against all the others: in a moment that is counted, and this is woken.
        if (!_zones.Counts(node)) return Again.OnChange;
        var now = cluster.Time.GetUtcNow();
        var renewed = _leases.Find(new("kube-node-lease", key.Name))?.Spec.RenewTime;
        var pulse = Pulse.Next(_pulses.TryGetValue(key.Name, out var last) ? last : null, renewed, node, now);
        // While nobody was heard of, that one was not means nothing.
        if (_zones.BackSince is { } back && back > pulse.Since) pulse = pulse with { Since = back };
        _pulses[key.Name] = pulse;

        bool hasSpoken = node.Status.Conditions.Exists(c => c.Type == "Ready");
        bool silent = now - pulse.Since >= (hasSpoken ? options.NodeMonitorGracePeriod : options.NodeStartupGracePeriod);
        bool wasReady = Zones.IsReady(node);
        if (silent && Health.Silent(node, now) is var silenced && !silenced.Equals(node))
        {
            node = await _client.UpdateStatusAsync(silenced, ct);
            if (wasReady) Tell(node);
            // What comes of it is for the next look, when the others that fell silent with it are known.
            return Again.In(Period);
        }
        var taints = Taints.For(node, now, MayDrive(node));
        if (taints != node.Spec.Taints) node = await _client.UpdateAsync(node with { Spec = node.Spec with { Taints = taints } }, ct);
        await RenameAsync(node, ct);
        // Of a node that says itself that it is not ready its agent knows best what its Pods are; one that has said nothing yet has none.
        if (node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "Unknown" })) await MarkPodsAsync(key.Name, now, ct);
        return Again.In(Period);
    }

    /// <summary>A node that is being cleared goes on being; another waits for its zone's turn.</summary>
    bool MayDrive(Node node) => Taints.Driving(node).Length > 0 && !_zones.AllFail && (Taints.Drives(node) || _zones.TryTake(node));

    void Tell(Node node) => cluster.Recorder.Event(node, "Normal", "NodeNotReady", $"Node {node.Metadata.Name} status is now: NodeNotReady");

    async Task RenameAsync(Node node, CancellationToken ct)
    {
        var labels = node.Metadata.Labels;
        (string, JsonValue)[] wrong = [.. Renamed.Where(r => labels[r.Label] is { } value && labels[r.Old] != value).Select(r => (r.Old, (JsonValue)labels[r.Label]!))];
        if (wrong.Length > 0) await _client.PatchAsync<Node>(Key.Of(node), MetadataPatch.Strategic(("labels", JsonObject.Of(wrong))), ct);
    }

    async Task MarkPodsAsync(string node, DateTimeOffset now, CancellationToken ct)
    {
        foreach (var pod in _pods.ByIndex(ByNode, node))
            try
            {
                var marked = Health.NotReady(pod, now);
                if (marked.Equals(pod)) continue;
                cluster.Recorder.Event(pod, "Warning", "NodeNotReady", "Node is not ready");
                await _client.UpdateStatusAsync(marked, ct);
            }
            catch (ApiException e) when (e.IsNotFound) { }
    }
}
