using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>All nodes with their Pods, those that are bound and those that are assumed to be while their binding is under way.</summary>
/// <remarks>Kept up with changes; a decision reads it without building anything. Guarded by the scheduler's lock.</remarks>
internal sealed class Snapshot
{
    readonly Dictionary<string, NodeInfo> _nodes = [];
    readonly Dictionary<string, string> _placed = [];
    NodeInfo[]? _known;

    /// <summary>Nodes that exist, in an order that mixes zones, so that taking the first feasible ones spreads.</summary>
    public ReadOnlySpan<NodeInfo> Nodes => _known ??= Order();

    public void Set(Node node)
    {
        var info = Info(node.Metadata.Name);
        if (info.Node is null || Zone(info.Node) != Zone(node)) _known = null;
        info.Set(node);
    }

    public void RemoveNode(string name)
    {
        if (!_nodes.TryGetValue(name, out var info)) return;
        info.Set(null);
        if (info.Pods.Count == 0) _nodes.Remove(name);
        _known = null;
    }

    /// <summary>Counts a Pod on a node, in place of what was counted for it before.</summary>
    public void Place(PodInfo pod, string node)
    {
        if (_placed.TryGetValue(pod.Uid, out string? before) && before != node) Forget(pod.Uid);
        _placed[pod.Uid] = node;
        Info(node).Add(pod);
    }

    public void Forget(string uid)
    {
        if (!_placed.Remove(uid, out string? node) || !_nodes.TryGetValue(node, out var info)) return;
        info.Remove(uid);
        if (info.Node is null && info.Pods.Count == 0) _nodes.Remove(node);
    }

    NodeInfo Info(string name)
    {
        if (!_nodes.TryGetValue(name, out var info)) _nodes[name] = info = new(name);
        return info;
    }

    NodeInfo[] Order()
    {
        var zones = _nodes.Values.Where(n => n.Node is not null).GroupBy(n => Zone(n.Node!)).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.OrderBy(n => n.Name, StringComparer.Ordinal).ToArray()).ToArray();
        int longest = zones.Length == 0 ? 0 : zones.Max(z => z.Length);
        return [.. Enumerable.Range(0, longest).SelectMany(i => zones.Where(z => i < z.Length).Select(z => z[i]))];
    }

    static string Zone(Node node) => node.Metadata.Labels["topology.kubernetes.io/zone"] ?? "";
}
