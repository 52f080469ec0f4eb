namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod the nodes that have what it asks for, and prefers the emptier ones.</summary>
internal sealed class NodeResourcesFit : IFilter, IScore
{
    const Change Cures = Change.PodRemoved | Change.PodUpdated | Change.NodeAllocatable | Change.NodeAdded;

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        var (asked, has, taken) = (pod.Requests, node.Allocatable, node.Requested);
        string? reason = null;
        bool hopeless = false;
        void Lacks(string what, bool evenEmpty)
        {
            reason = reason is null ? what : reason + ", " + what;
            hopeless |= evenEmpty;
        }
        if (node.Pods.Count + 1 > node.AllowedPods) Lacks("Too many pods", node.AllowedPods == 0);
        if (asked.MilliCpu > 0 && asked.MilliCpu > has.MilliCpu - taken.MilliCpu) Lacks("Insufficient cpu", asked.MilliCpu > has.MilliCpu);
        if (asked.Memory > 0 && asked.Memory > has.Memory - taken.Memory) Lacks("Insufficient memory", asked.Memory > has.Memory);
        if (asked.EphemeralStorage > 0 && asked.EphemeralStorage > has.EphemeralStorage - taken.EphemeralStorage)
            Lacks("Insufficient ephemeral-storage", asked.EphemeralStorage > has.EphemeralStorage);
        foreach (var (name, amount) in asked.Scalars)
            if (amount > 0 && amount > has.Scalars[name] - taken.Scalars[name]) Lacks("Insufficient " + name, amount > has.Scalars[name]);
        return reason is null ? Verdict.Fits : Verdict.Refuse(reason, Cures, hopeless);
    }

    public long Score(PodInfo pod, NodeInfo node)
    {
        var taken = node.ScoredRequests + pod.ScoredRequests;
        long sum = 0, weights = 0;
        Add(taken.MilliCpu, node.Allocatable.MilliCpu);
        Add(taken.Memory, node.Allocatable.Memory);
        return weights == 0 ? 0 : sum / weights;

        void Add(long requested, long capacity)
        {
            if (capacity == 0) return;
            weights++;
            if (requested <= capacity) sum += (capacity - requested) * 100 / capacity;
        }
    }
}
