namespace Hanbae.Scheduler.Plugins;

/// <summary>Prefers nodes on which CPU and memory would be used up evenly.</summary>
internal sealed class BalancedAllocation : IScore
{
    public bool Concerns(PodInfo pod) => pod.Requests is not { MilliCpu: 0, Memory: 0 };

    public long Score(PodInfo pod, NodeInfo node)
    {
        if (node.Allocatable.MilliCpu == 0 || node.Allocatable.Memory == 0) return 100;
        double cpu = Share(node.Requested.MilliCpu + pod.Requests.MilliCpu, node.Allocatable.MilliCpu);
        double memory = Share(node.Requested.Memory + pod.Requests.Memory, node.Allocatable.Memory);
        return (long)((1 - Math.Abs(cpu - memory) / 2) * 100);
    }

    static double Share(long requested, long capacity) => Math.Min(1, (double)requested / capacity);
}
