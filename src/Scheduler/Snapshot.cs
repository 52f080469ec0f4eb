using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Tallies;
using Hanbae.Scheduler.Volumes;

namespace Hanbae.Scheduler;

/// <summary>All nodes with their Pods, those that are bound and those that are assumed to be while their binding is under way; and all else that decides where Pods go.</summary>
/// <remarks>Kept up with changes; a decision reads it without building anything. Guarded by the scheduler's lock.</remarks>
internal sealed class Snapshot
{
    readonly Dictionary<string, NodeInfo> _nodes = [];
    readonly Dictionary<string, string> _placed = [];
    readonly Dictionary<string, (PodInfo Pod, string Node)> _nominated = [];
    readonly Stack<int> _free = [];
    int _indexes;
    NodeInfo[]? _known;

    public Snapshot() => (Tallies, Images, Groups) = (new(this), new(), new(this));

    /// <summary>Nodes that exist, in an order that mixes zones, so that taking the first feasible ones spreads.</summary>
    public ReadOnlySpan<NodeInfo> Nodes => _known ??= Order();

    public TallyBook Tallies { get; }
    public ImageBook Images { get; }
    public Groups.PodGroups Groups { get; }
    /// <summary>Labels of namespaces.</summary>
    public Dictionary<string, Map<string>> Namespaces { get; } = [];
    public StorageState Storage { get; } = new();
    public Devices.DeviceState Devices { get; } = new();
    public SelectorBook Owners { get; } = new();
    public BudgetBook Budgets { get; } = new();
    /// <summary>Which nodes have changed, or the Pods that they have or are promised to; not what is tried out and taken back.</summary>
    public ChangeLog Changes { get; } = new();
    /// <summary>Counts changes of which nodes there are, and of their order.</summary>
    public long Arrangement { get; private set; }
    /// <summary>Nodes with taints of the soft kind: while there are none nobody is scored by them.</summary>
    public int SoftTainted { get; private set; }
    /// <summary>Upper end of <see cref="NodeInfo.Index"/>, for columns.</summary>
    public int Width => _indexes;

    public NodeInfo? Find(string name) => _nodes.TryGetValue(name, out var info) && info.Node is not null ? info : null;

    public void Set(Node node)
    {
        var info = Info(node.Metadata.Name);
        bool isNew = info.Node is null;
        if (isNew || Zone(info.Node!) != Zone(node)) Rearrange();
        if (info.HasSoftTaints) SoftTainted--;
        if (isNew)
        {
            info.Index = _free.TryPop(out int index) ? index : _indexes++;
            info.Set(node);
            Tallies.AddNode(info);
            Images.Add(info);
        }
        else
        {
            bool moves = Tallies.Moves(info, node.Metadata.Labels), images = info.Node!.Status.Images != node.Status.Images;
            if (moves) Tallies.RemoveNode(info);
            if (images) Images.Remove(info);
            info.Set(node);
            if (images) Images.Add(info);
            if (moves) Tallies.AddNode(info);
        }
        if (info.HasSoftTaints) SoftTainted++;
        Changes.Add(info);
    }

    void Rearrange()
    {
        _known = null;
        Arrangement++;
    }

    public void RemoveNode(string name)
    {
        if (!_nodes.TryGetValue(name, out var info) || info.Node is null) return;
        if (info.HasSoftTaints) SoftTainted--;
        Tallies.RemoveNode(info);
        Images.Remove(info);
        _free.Push(info.Index);
        info.Index = -1;
        info.Set(null);
        DropIfEmpty(info);
        Rearrange();
    }

    /// <summary>Counts a Pod on a node, in place of what was counted for it before.</summary>
    public void Place(PodInfo pod, string node)
    {
        if (_placed.ContainsKey(pod.Uid)) Forget(pod.Uid);
        _placed[pod.Uid] = node;
        var info = Info(node);
        Join(pod, info);
        Changes.Add(info);
    }

    public void Forget(string uid)
    {
        if (!_placed.Remove(uid, out string? node) || !_nodes.TryGetValue(node, out var info)) return;
        Leave(uid, info);
        Changes.Add(info);
        DropIfEmpty(info);
    }

    /// <summary>Something about a Pod of the node has changed that is counted nowhere, and matters to those who would have it go.</summary>
    public void Touch(string node)
    {
        if (_nodes.TryGetValue(node, out var info)) Changes.Add(info);
    }

    /// <summary>Where a Pod counts; empty when it does nowhere.</summary>
    public string PlaceOf(string uid) => _placed.GetValueOrDefault(uid, "");

    public PodInfo? Placed(string uid, string node) => _placed.TryGetValue(uid, out string? at) && at == node ? _nodes[node].Find(uid) : null;

    /// <summary>Counts a Pod, to see what would be then; to be taken back by <see cref="Leave"/>.</summary>
    public void Join(PodInfo pod, NodeInfo node)
    {
        node.Add(pod);
        foreach (var use in pod.Claims) Storage.Use(use.Claim, 1);
        if (node.Index >= 0) Tallies.Count(pod, node, 1);
    }

    public void Leave(string uid, NodeInfo node)
    {
        if (node.Remove(uid) is not { } pod) return;
        foreach (var use in pod.Claims) Storage.Use(use.Claim, -1);
        if (node.Index >= 0) Tallies.Count(pod, node, -1);
    }

    /// <summary>Others leave room on the node for the Pod, for which room was made there.</summary>
    public void Nominate(PodInfo pod, string node)
    {
        Denominate(pod.Uid);
        if (node.Length == 0) return;
        _nominated[pod.Uid] = (pod, node);
        var info = Info(node);
        (info.Nominated ??= []).Add(pod);
        Changes.Add(info);
    }

    /// <returns>The node on which there was room for the Pod; empty when it was promised none.</returns>
    public string Denominate(string uid)
    {
        if (!_nominated.Remove(uid, out var was) || !_nodes.TryGetValue(was.Node, out var info)) return "";
        info.Nominated!.RemoveAll(p => p.Uid == uid);
        if (info.Nominated.Count == 0) info.Nominated = null;
        Changes.Add(info);
        DropIfEmpty(info);
        return was.Node;
    }

    public string NominatedNode(string uid) => _nominated.TryGetValue(uid, out var at) ? at.Node : "";

    public void SetNamespace(string name, Map<string> labels)
    {
        if (Namespaces.TryGetValue(name, out var before) && before == labels) return;
        Namespaces[name] = labels;
        Tallies.ForgetNamespaces();
    }

    NodeInfo Info(string name)
    {
        if (!_nodes.TryGetValue(name, out var info)) _nodes[name] = info = new(name);
        return info;
    }

    void DropIfEmpty(NodeInfo info)
    {
        if (info.Node is null && info.PodCount == 0 && info.Nominated is null) _nodes.Remove(info.Name);
    }

    NodeInfo[] Order()
    {
        var zones = _nodes.Values.Where(n => n.Node is not null).GroupBy(n => Zone(n.Node!)).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.OrderBy(n => n.Name, StringComparer.Ordinal).ToArray()).ToArray();
        int longest = zones.Length == 0 ? 0 : zones.Max(z => z.Length);
        return [.. Enumerable.Range(0, longest).SelectMany(i => zones.Where(z => i < z.Length).Select(z => z[i]))];
    }

    static string Zone(Node node) => node.Metadata.Labels["topology.kubernetes.io/region"] + "\0" + node.Metadata.Labels["topology.kubernetes.io/zone"];
}
