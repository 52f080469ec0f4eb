using Hanbae.Api.Apps.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>What each node adds to one DaemonSet's status, so that one that nothing has happened to need not be looked at again, however many there are.</summary>
/// <remarks>
/// What is done about a node always rests on a look at it: it is looked at when it, or a Pod for it, changed, and as long as there is something to be
/// done or waited for. All are looked at when the set says something else, and now and then. Bound: an entry for each node.
/// </remarks>
sealed class Roster(DaemonSet set, string hash, DateTimeOffset begun)
{
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    readonly Lock _lock = new();
    readonly Dictionary<string, NodeTally> _counted = [];
    HashSet<string> _open = [];
    NodeTally _sum;
    bool _complete;

    /// <summary>Whether it speaks of all nodes, and of the set as it is.</summary>
    public bool IsFor(DaemonSet now, string nowHash, DateTimeOffset at) =>
        _complete && nowHash == hash && at - begun < Longest && now.Metadata.Annotations == set.Metadata.Annotations && now.Spec.Equals(set.Spec);

    /// <summary>What the nodes that were set add up to.</summary>
    public NodeTally Sum { get { lock (_lock) return _sum; } }

    /// <summary>Every node was set.</summary>
    public void Complete() => _complete = true;

    /// <summary>Something happened to the node, or to a Pod for it.</summary>
    public void Open(string node) { lock (_lock) _open.Add(node); }

    /// <summary>Nodes to be looked at; what happens from here on is for the next time.</summary>
    public IReadOnlyCollection<string> Take()
    {
        lock (_lock)
        {
            var open = _open;
            _open = [];
            return open;
        }
    }

    /// <param name="there">The node is there; otherwise Pods are meant for it all the same, and count for nothing.</param>
    public void Set(Fleet.Place place, bool there, DateTimeOffset now)
    {
        var tally = NodeTally.Of(set, place, there, hash, now);
        bool settled = tally.ReadyAt is null && (place.Pods.Count == 0 ? !place.Runs : place.Stays && place.Pods is [{ IsTerminal: false, Metadata.DeletionTimestamp: null }]);
        lock (_lock)
        {
            if (_counted.Remove(place.Node, out var before)) _sum = _sum.Plus(before, -1);
            if (there || place.Pods.Count > 0) _counted.Add(place.Node, tally);
            _sum = _sum.Plus(tally, 1);
            if (!settled && (there || place.Pods.Count > 0)) _open.Add(place.Node);
        }
    }
}

/// <summary>What a node adds to the status of a DaemonSet.</summary>
/// <param name="Old">Pods that are not of the last revision.</param>
/// <param name="ReadyAt">When the next Pod here will have been ready for long enough.</param>
readonly record struct NodeTally(int Desired, int Current, int Misplaced, int Ready, int Updated, int Available, int Old, DateTimeOffset? ReadyAt)
{
    public static NodeTally Of(DaemonSet set, Fleet.Place place, bool there, string hash, DateTimeOffset now)
    {
        var (_, runs, _, pods) = place;
        int old = 0, minReady = set.Spec.MinReadySeconds;
        foreach (var one in pods) if (!DaemonPod.IsUpdated(set, one, hash)) old++;
        if (!there) return default(NodeTally) with { Old = old };
        DateTimeOffset? readyAt = null;
        // While one comes beside another its time counts as well: the other goes then.
        foreach (var one in pods)
            if (one.AvailableFrom(minReady) is { } at && at > now && !(readyAt < at)) readyAt = at;
        if (!runs) return default(NodeTally) with { Misplaced = pods.Count > 0 ? 1 : 0, Old = old, ReadyAt = readyAt };
        if (pods.Count == 0) return default(NodeTally) with { Desired = 1 };
        var pod = pods.Count == 1 ? pods[0] : pods.Order(Comparer<Api.Core.V1.Pod>.Create(RunPlan.Older)).First();
        return new(1, 1, 0, pod.IsReady ? 1 : 0, DaemonPod.IsUpdated(set, pod, hash) ? 1 : 0, pod.IsReady && pod.IsAvailable(minReady, now) ? 1 : 0, old, readyAt);
    }

    /// <param name="times">1, or -1 to take it away; of the times the earliest stays.</param>
    public NodeTally Plus(NodeTally other, int times) => new(
        Desired + times * other.Desired, Current + times * other.Current, Misplaced + times * other.Misplaced, Ready + times * other.Ready,
        Updated + times * other.Updated, Available + times * other.Available, Old + times * other.Old, null);
}
