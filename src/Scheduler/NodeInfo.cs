using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>A node and what is taken of it. Changed only by the <see cref="Snapshot"/>, one Pod at a time: nothing is recounted.</summary>
internal sealed class NodeInfo(string name)
{
    readonly Dictionary<string, PodInfo> _pods = [];

    public string Name { get; } = name;
    /// <summary>Null while only Pods of the node are known.</summary>
    public Node? Node { get; private set; }
    public Resources Allocatable { get; private set; }
    public long AllowedPods { get; private set; }
    public Resources Requested { get; private set; }
    public Resources ScoredRequests { get; private set; }
    public IReadOnlyCollection<PodInfo> Pods => _pods.Values;
    public bool Unschedulable => Node?.Spec.Unschedulable ?? false;

    public void Set(Node? node)
    {
        Node = node;
        var allocatable = node?.Status.Allocatable ?? default;
        Allocatable = Resources.Of(allocatable);
        AllowedPods = allocatable.TryGet("pods", out var pods) ? pods.Value() : 0;
    }

    public void Add(PodInfo pod)
    {
        Remove(pod.Uid);
        _pods[pod.Uid] = pod;
        Requested += pod.Requests;
        ScoredRequests += pod.ScoredRequests;
    }

    public void Remove(string uid)
    {
        if (!_pods.Remove(uid, out var pod)) return;
        Requested -= pod.Requests;
        ScoredRequests -= pod.ScoredRequests;
    }

    public bool HostPortTaken(HostPort wanted)
    {
        foreach (var pod in _pods.Values)
            foreach (var taken in pod.HostPorts)
                if (taken.Clashes(wanted)) return true;
        return false;
    }
}
