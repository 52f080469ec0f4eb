using System.Collections.Concurrent;
using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Nodes;

/// <summary>Gives each node its share of the cluster's Pod addresses.</summary>
sealed class Ipam(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    /// <summary>One at a time: two nodes must not get the same.</summary>
    readonly SemaphoreSlim _turn = new(1);
    /// <summary>What was given and may not show in the cache yet.</summary>
    readonly ConcurrentDictionary<string, IPNetwork> _given = new();

    public void Watch(Triggers on) => on.Each(_nodes);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_nodes.Find(key) is not { } node) { _given.TryRemove(key.Name, out _); return Again.OnChange; }
        if (node.Spec.PodCIDR.Length > 0) { _given.TryRemove(key.Name, out _); return Again.OnChange; }
        if (node.Metadata.DeletionTimestamp is not null || !IPNetwork.TryParse(options.ClusterCidr, out var whole)) return Again.OnChange;
        await _turn.WaitAsync(ct);
        try
        {
            // Before the cache, since what was given leaves here, in another turn, as soon as the cache shows it.
            var given = _given.Where(g => g.Key != key.Name).Select(g => g.Value).ToList();
            var taken = _nodes.All.SelectMany(n => n.Spec.PodCIDRs.IsEmpty ? [n.Spec.PodCIDR] : n.Spec.PodCIDRs.AsEnumerable())
                .Where(c => IPNetwork.TryParse(c, out _)).Select(c => IPNetwork.Parse(c)).Concat(given).ToList();
            if (new Subnets(whole, options.NodeCidrMaskSize).FirstFree(taken) is not { } part)
            {
                cluster.Recorder.Event(node, "Normal", "CIDRNotAvailable", $"Node {key.Name} status is now: CIDRNotAvailable");
                return Again.WithBackoff;
            }
            string cidr = part.ToString();
            await cluster.Client.UpdateAsync(node with { Spec = node.Spec with { PodCIDR = cidr, PodCIDRs = [cidr] } }, ct);
            _given[key.Name] = part;
        }
        finally { _turn.Release(); }
        return Again.OnChange;
    }
}
