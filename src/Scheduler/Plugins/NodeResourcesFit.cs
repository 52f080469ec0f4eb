using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Devices;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod the nodes that have what it asks for, and prefers by how much of them is taken.</summary>
internal sealed class NodeResourcesFit(NodeResourcesFitArgs args) : IPreFilter, IFilter, IScore
{
    readonly ImmutableArray<ResourceWeight> _resources = args.Strategy.Resources;

    DeviceState _devices = new();
    Snapshot? _snapshot;

    public string Name => "NodeResourcesFit";
    public bool GoesByShape => true;
    public Change Cures => Change.PodRemoved | Change.PodUpdated | Change.NodeAllocatable | Change.NodeAdded | Change.DeviceClass;

    public bool MayCure(PodInfo pod, in ClusterChange change)
    {
        if (change.Node is { } node)
            return Missing(pod.Requests, Resources.Of(node.Status.Allocatable), default) is null && (change.Old is not Node had || HasMore(pod.Requests, node, had));
        if (change.New is DeviceClass @class) return StandsFor(@class, pod) && !(change.Old is DeviceClass before && StandsFor(before, pod));
        if (change.Pod is null) return change.What != Change.DeviceClass;
        if (change.What == Change.PodRemoved) return MayFit(pod, change.FreedOn);
        return change.Old is not Pod old || Resources.Of(old) != Resources.Of((Pod)change.New!);
    }

    /// <summary>Whether what the Pod asks for may be had as devices of the class (KEP-5004).</summary>
    static bool StandsFor(DeviceClass @class, PodInfo pod)
    {
        foreach (var (name, amount) in pod.Requests.Scalars) if (amount > 0 && DeviceState.Covers(@class, name)) return true;
        return false;
    }

    /// <summary>Whether a node has more than before of what is asked for, or of places.</summary>
    bool HasMore(in Resources asked, Node now, Node before)
    {
        if (Places(now) > Places(before)) return true;
        var (has, had) = (Resources.Of(now.Status.Allocatable), Resources.Of(before.Status.Allocatable));
        if ((asked.MilliCpu > 0 && has.MilliCpu > had.MilliCpu) || (asked.Memory > 0 && has.Memory > had.Memory) || (asked.EphemeralStorage > 0 && has.EphemeralStorage > had.EphemeralStorage)) return true;
        // What the node has no more of itself may be had as devices from now on.
        foreach (var (name, amount) in asked.Scalars) if (amount > 0 && (has.Scalars[name] > had.Scalars[name] || AreDevices(name, has))) return true;
        return false;

        static long Places(Node node) => node.Status.Allocatable.TryGet("pods", out var places) ? places.Value() : 0;
    }

    /// <summary>Whether the Pod fits on the node from which another has gone, or would if others were made to go.</summary>
    /// <remarks>Any other node is as it was; without this each Pod that goes would wake all that wait. One that waits for others to leave has asked them to:
    /// for it only what is free counts.</remarks>
    bool MayFit(PodInfo pod, string name)
    {
        if (name.Length == 0 || _snapshot is null) return true;
        if (_snapshot.Find(name) is not { } node) return false;
        bool waits = _snapshot.NominatedNode(pod.Uid).Length > 0;
        var taken = waits ? node.Requested : node.RequestedFrom(pod.Priority);
        // What is promised to others there will be refused to this one.
        foreach (var n in node.Nominated ?? []) if (n.Priority >= pod.Priority && n.Uid != pod.Uid) taken += n.Requests;
        return Missing(pod.Requests, node.Allocatable, taken) is null;
    }

    public RoomWanted? CuredAlike(PodInfo pod) => new(pod.Requests, pod.Priority, _snapshot?.NominatedNode(pod.Uid).Length > 0);

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _snapshot = snapshot;
        _devices = snapshot.Devices;
        return Prefiltered.Go;
    }

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        bool full = node.PodCount + 1 > node.AllowedPods;
        var asked = pod.Requests;
        var (has, taken) = (node.Allocatable, node.Requested);
        if (!full && asked.Scalars.IsEmpty && asked.MilliCpu <= has.MilliCpu - taken.MilliCpu && asked.Memory <= has.Memory - taken.Memory && asked.EphemeralStorage == 0) return Verdict.Fits;
        string? reason = Missing(asked, has, taken);
        if (full) reason = reason is null ? "Too many pods" : "Too many pods\n" + reason;
        return reason is null ? Verdict.Fits : Verdict.Refuse(reason, hopeless: Missing(asked, has, default) is not null);
    }

    string? Missing(in Resources asked, in Resources has, in Resources taken)
    {
        string? reason = null;
        if (asked.MilliCpu > 0 && asked.MilliCpu > has.MilliCpu - taken.MilliCpu) reason = "Insufficient cpu";
        if (asked.Memory > 0 && asked.Memory > has.Memory - taken.Memory) reason = reason is null ? "Insufficient memory" : "Insufficient cpu\nInsufficient memory";
        if (asked.EphemeralStorage > 0 && asked.EphemeralStorage > has.EphemeralStorage - taken.EphemeralStorage)
            reason = reason is null ? "Insufficient ephemeral-storage" : reason + "\nInsufficient ephemeral-storage";
        foreach (var (name, amount) in asked.Scalars)
            if (amount > 0 && amount > has.Scalars[name] - taken.Scalars[name] && !args.Ignores(name) && !AreDevices(name, has))
                reason = (reason is null ? "Insufficient " : reason + "\nInsufficient ") + name;
        return reason;
    }

    /// <summary>A node that has none of the resource may have devices that stand for it (KEP-5004): that is for another plugin to see.</summary>
    bool AreDevices(string resource, in Resources has) => has.Scalars[resource] == 0 && _devices.ClassOf(resource) is not null;

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits) => true;

    public long Score(PodInfo pod, NodeInfo node)
    {
        long sum = 0, weights = 0;
        foreach (var resource in _resources)
        {
            var (requested, capacity) = resource.Name switch
            {
                "cpu" => (node.ScoredRequests.MilliCpu + pod.ScoredRequests.MilliCpu, node.Allocatable.MilliCpu),
                "memory" => (node.ScoredRequests.Memory + pod.ScoredRequests.Memory, node.Allocatable.Memory),
                _ => Other(resource.Name, pod, node),
            };
            if (capacity == 0) continue;
            long score = args.Strategy.Type switch
            {
                // A node that has less than is asked for, which can be with assumed amounts, is as full as can be.
                ScoringType.MostAllocated => Math.Min(requested, capacity) * Scores.Most / capacity,
                ScoringType.RequestedToCapacityRatio => args.Strategy.Shape(requested > capacity ? 100 : requested * 100 / capacity),
                _ => requested > capacity ? 0 : (capacity - requested) * Scores.Most / capacity,
            };
            // Upstream leaves a resource out of a ratio that has none to give.
            if (args.Strategy.Type == ScoringType.RequestedToCapacityRatio && score <= 0) continue;
            sum += score * resource.Weight;
            weights += resource.Weight;
        }
        if (weights == 0) return 0;
        return args.Strategy.Type == ScoringType.RequestedToCapacityRatio ? (long)Math.Round((double)sum / weights, MidpointRounding.AwayFromZero) : sum / weights;
    }

    /// <summary>Resources that are not assumed where not asked for; an extended one that the Pod does not ask for does not count.</summary>
    internal static (long Requested, long Capacity) Other(string name, PodInfo pod, NodeInfo node)
    {
        if (name == "ephemeral-storage") return (node.Requested.EphemeralStorage + pod.Requests.EphemeralStorage, node.Allocatable.EphemeralStorage);
        long asked = pod.Requests.Scalars[name];
        return asked == 0 ? (0, 0) : (node.Requested.Scalars[name] + asked, node.Allocatable.Scalars[name]);
    }
}
