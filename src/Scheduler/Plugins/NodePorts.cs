using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods apart that want the same port of their node.</summary>
internal sealed class NodePorts : IPreFilter, IFilter
{
    public string Name => "NodePorts";
    public bool GoesByShape => true;
    public Change Cures => Change.PodRemoved | Change.NodeAdded;

    public bool MayCure(PodInfo pod, in ClusterChange change)
    {
        if (change.What != Change.PodRemoved || change.Pod is not { } gone) return true;
        foreach (var freed in HostPort.Of(gone.Spec))
            foreach (var wanted in pod.HostPorts) if (wanted.Clashes(freed)) return true;
        return false;
    }

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot) => new(Skip: pod.HostPorts.IsEmpty);

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        foreach (var port in pod.HostPorts)
            if (node.HostPortTaken(port)) return Verdict.Refuse("node(s) didn't have free ports for the requested pod ports");
        return Verdict.Fits;
    }
}
