using System.Collections.Immutable;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>All nodes with one DaemonSet's Pods on each: what every decision about the set looks at, found once.</summary>
/// <remarks>In no order: who takes some of many sorts those.</remarks>
sealed class Fleet
{
    static readonly List<Pod> s_none = [];

    /// <param name="Runs">Whether one of the set's Pods belongs here.</param>
    /// <param name="Stays">Whether one that is here may stay.</param>
    /// <param name="Pods">On the node, or meant for it; those that ended and are being deleted are gone already.</param>
    public readonly record struct Place(string Node, bool Runs, bool Stays, List<Pod> Pods);

    public ImmutableArray<Place> Nodes { get; }
    /// <summary>Pods for nodes that are not there.</summary>
    public ImmutableArray<Place> Elsewhere { get; }
    /// <summary>On how many nodes the set should run.</summary>
    public int Wanted { get; }

    /// <summary>A part of it.</summary>
    public Fleet(ImmutableArray<Place> nodes, ImmutableArray<Place> elsewhere, int wanted) => (Nodes, Elsewhere, Wanted) = (nodes, elsewhere, wanted);

    public Fleet(DaemonSet set, IReadOnlyCollection<Node> nodes, ImmutableArray<Pod> mine)
    {
        var byNode = new Dictionary<string, List<Pod>>(mine.Length);
        foreach (var pod in mine)
            if (Counts(pod) && DaemonPod.NodeOf(pod) is { } node)
                if (byNode.TryGetValue(node, out var pods)) pods.Add(pod);
                else byNode.Add(node, [pod]);
        var places = ImmutableArray.CreateBuilder<Place>(nodes.Count);
        foreach (var node in nodes)
        {
            var (runs, stays) = DaemonPod.Fits(set, node);
            if (runs) Wanted++;
            places.Add(new(node.Metadata.Name, runs, stays, byNode.Remove(node.Metadata.Name, out var pods) ? pods : s_none));
        }
        (Nodes, Elsewhere) = (places.DrainToImmutable(), [.. byNode.Select(e => new Place(e.Key, false, false, e.Value))]);
    }

    /// <summary>One that ended and is being deleted is gone already.</summary>
    public static bool Counts(Pod pod) => !(pod.IsTerminal && pod.Metadata.DeletionTimestamp is not null);
}
