using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>A node and what is taken of it. Changed only by the <see cref="Snapshot"/>, one Pod at a time: nothing is recounted.</summary>
internal sealed class NodeInfo(string name)
{
    readonly List<PodInfo> _pods = [];
    readonly List<HostPort> _ports = [];

    public string Name { get; } = name;
    /// <summary>Its place in columns (topologies, tallies); −1 while only Pods of the node are known.</summary>
    public int Index { get; set; } = -1;
    /// <summary>Null while only Pods of the node are known.</summary>
    public Node? Node { get; private set; }
    public Resources Allocatable { get; private set; }
    public long AllowedPods { get; private set; }
    public Resources Requested { get; private set; }
    public Resources ScoredRequests { get; private set; }
    public IReadOnlyList<PodInfo> Pods => _pods;
    public int PodCount => _pods.Count;
    public bool Unschedulable { get; private set; }
    /// <summary>Has taints that keep Pods away; asked before they are looked at.</summary>
    public bool HasHardTaints { get; private set; }
    public bool HasSoftTaints { get; private set; }
    /// <summary>Pods that are to come here once others have gone; null when there are none.</summary>
    public List<PodInfo>? Nominated { get; set; }
    /// <summary>Pods here that use volumes.</summary>
    public int PodsWithVolumes { get; private set; }

    public void Set(Node? node)
    {
        Node = node;
        var allocatable = node?.Status.Allocatable ?? default;
        Allocatable = Resources.Of(allocatable);
        AllowedPods = allocatable.TryGet("pods", out var pods) ? pods.Value() : 0;
        Unschedulable = node?.Spec.Unschedulable ?? false;
        HasHardTaints = HasSoftTaints = false;
        if (node is null) return;
        foreach (var taint in node.Spec.Taints)
        {
            HasHardTaints |= taint.Effect is "NoSchedule" or "NoExecute";
            HasSoftTaints |= taint.Effect == "PreferNoSchedule";
        }
    }

    public void Add(PodInfo pod)
    {
        Remove(pod.Uid);
        Count(pod);
    }

    void Count(PodInfo pod)
    {
        _pods.Add(pod);
        Requested += pod.Requests;
        ScoredRequests += pod.ScoredRequests;
        foreach (var port in pod.HostPorts) _ports.Add(port);
        if (pod.HasVolumes) PodsWithVolumes++;
    }

    /// <summary>Counts a Pod to see what would be then, unless it is there anyway; to be taken back by <see cref="RemoveGuests"/>.</summary>
    public void AddGuest(PodInfo pod)
    {
        foreach (var p in _pods) if (p.Uid == pod.Uid) return;
        Count(pod);
    }

    /// <param name="before">How many Pods there were before the guests.</param>
    public void RemoveGuests(int before)
    {
        while (_pods.Count > before) RemoveAt(_pods.Count - 1);
    }

    /// <summary>The Pod of that uid, if it counts here.</summary>
    public PodInfo? Find(string uid)
    {
        foreach (var pod in _pods) if (pod.Uid == uid) return pod;
        return null;
    }

    /// <returns>The Pod that was counted, if it was.</returns>
    public PodInfo? Remove(string uid)
    {
        for (int i = _pods.Count - 1; i >= 0; i--) if (_pods[i].Uid == uid) return RemoveAt(i);
        return null;
    }

    PodInfo RemoveAt(int at)
    {
        var pod = _pods[at];
        _pods[at] = _pods[^1];
        _pods.RemoveAt(_pods.Count - 1);
        Requested -= pod.Requests;
        ScoredRequests -= pod.ScoredRequests;
        foreach (var port in pod.HostPorts) _ports.Remove(port);
        if (pod.HasVolumes) PodsWithVolumes--;
        return pod;
    }

    /// <summary>What Pods of this priority and above ask for.</summary>
    public Resources RequestedFrom(int priority)
    {
        var sum = Requested;
        foreach (var pod in _pods) if (pod.Priority < priority) sum -= pod.Requests;
        return sum;
    }

    public bool HostPortTaken(HostPort wanted)
    {
        foreach (var taken in _ports) if (taken.Clashes(wanted)) return true;
        return false;
    }
}
