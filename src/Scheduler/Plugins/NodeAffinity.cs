using Hanbae.Api.Core.V1;
using Affinity = Hanbae.Api.Core.V1.NodeAffinity;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod the nodes that its selector and affinity name, and prefers those that it prefers.</summary>
/// <param name="added">What the profile asks of nodes for all its Pods, besides.</param>
internal sealed class NodeAffinity(Affinity? added = null) : IPreFilter, IFilter, IScore
{
    readonly NodeMatcher? _added = added is null ? null : new(new PodSpec { Affinity = new() { NodeAffinity = added } });

    public string Name => "NodeAffinity";
    public bool GoesByShape => true;
    public Change Cures => Change.NodeLabels | Change.NodeAdded;
    /// <summary>A node that was wanted before is no news.</summary>
    public bool MayCure(PodInfo pod, in ClusterChange change) => change.Node is { } node && IsWanted(pod, node) && !(change.Old is Node before && IsWanted(pod, before));

    bool IsWanted(PodInfo pod, Node node) => (_added is null || _added.Matches(node)) && pod.Wanted.Matches(node);

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        if (pod.Wanted.IsEmpty && _added is null or { IsEmpty: true }) return Prefiltered.Nothing;
        var names = pod.Wanted.Names;
        return names is { Count: 0 }
            ? new(Verdict.Refuse("pod affinity terms conflict", hopeless: true))
            : new(Only: names);
    }

    public Verdict Filter(PodInfo pod, NodeInfo node) =>
        _added is not null && !_added.Matches(node.Node!) ? Verdict.Refuse("node(s) didn't match scheduler-enforced node affinity", hopeless: true)
        : pod.Wanted.Matches(node.Node!) ? Verdict.Fits
        : Verdict.Refuse("node(s) didn't match Pod's node affinity/selector", hopeless: true);

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits) => pod.Wanted.Prefers || _added is { Prefers: true };
    public long Score(PodInfo pod, NodeInfo node) => pod.Wanted.Preference(node.Node!) + (_added?.Preference(node.Node!) ?? 0);
    public void Normalize(PodInfo pod, ReadOnlySpan<NodeInfo> fits, Span<long> scores) => Scores.ToMost(scores, reverse: false);
}
