namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods apart that want the same port of their node.</summary>
internal sealed class NodePorts : IFilter
{
    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        foreach (var port in pod.HostPorts)
            if (node.HostPortTaken(port))
                return Verdict.Refuse("node(s) didn't have free ports for the requested pod ports", Change.PodRemoved | Change.NodeAdded);
        return Verdict.Fits;
    }
}
