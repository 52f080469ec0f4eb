using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Nodes;

/// <summary>Gives each node its share of the cluster's Pod addresses: of each family, when the cluster has both.</summary>
/// <remarks>
/// What a node has is noted as the cache tells it, and what is given before it is written: whether or not that was answered, nobody else gets
/// it while the node is there. By uid: the end of a node may be told only when its successor can be read.
/// </remarks>
sealed class Ipam(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly Lock _lock = new();
    readonly Parts[] _parts = [.. options.ClusterCidr.Split(',', StringSplitOptions.TrimEntries).Where(c => IPNetwork.TryParse(c, out _)).Select(IPNetwork.Parse)
        .Select(whole => new Parts(whole, whole.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? options.NodeCidrMaskSizeIpv6 : options.NodeCidrMaskSize))];
    /// <summary>By the node's uid.</summary>
    readonly Dictionary<string, IPNetwork[]> _of = [];

    public void Watch(Triggers on) => on.From(_ => _nodes.Subscribe(OnNode)).Each(_nodes);

    void OnNode(CacheEvent<Node> e)
    {
        if (e.New is not { } node) Note(e.Object.Metadata.Uid, []);
        else if (CidrsOf(node) is { Length: > 0 } has && (e.Old is null || e.Old.Spec != node.Spec)) Note(node.Metadata.Uid, has);
    }

    static IPNetwork[] CidrsOf(Node node) =>
        [.. (node.Spec.PodCIDRs.IsEmpty ? [node.Spec.PodCIDR] : node.Spec.PodCIDRs.AsEnumerable()).Where(c => IPNetwork.TryParse(c, out _)).Select(c => IPNetwork.Parse(c))];

    void Note(string uid, IPNetwork[] has)
    {
        lock (_lock)
        {
            // First what it has, so that what it keeps is free at no time.
            foreach (var network in has) foreach (var parts in _parts) parts.Take(network);
            if (_of.Remove(uid, out var had)) foreach (var network in had) GiveBack(network);
            if (has.Length > 0) _of.Add(uid, has);
        }
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_nodes.Find(key) is not { Spec.PodCIDR: "", Metadata.DeletionTimestamp: null } node || _parts.Length == 0) return Again.OnChange;
        if (Give(node.Metadata.Uid) is not { } given)
        {
            cluster.Recorder.Event(node, "Normal", "CIDRNotAvailable", $"Node {key.Name} status is now: CIDRNotAvailable");
            return Again.WithBackoff;
        }
        await cluster.Client.UpdateAsync(node with { Spec = node.Spec with { PodCIDR = given[0].ToString(), PodCIDRs = given.Select(g => g.ToString()).ToSeq() } }, ct);
        return Again.OnChange;
    }

    /// <returns>What it was given before, when that did not get there.</returns>
    IPNetwork[]? Give(string uid)
    {
        lock (_lock)
        {
            if (_of.TryGetValue(uid, out var had)) return had;
            var given = new List<IPNetwork>();
            foreach (var parts in _parts)
            {
                if (parts.TakeNext() is not { } part) { foreach (var network in given) GiveBack(network); return null; }
                given.Add(part);
            }
            return _of[uid] = [.. given];
        }
    }

    void GiveBack(IPNetwork network) { foreach (var parts in _parts) parts.GiveBack(network); }
}
