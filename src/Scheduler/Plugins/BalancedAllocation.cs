using System.Collections.Immutable;
using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Prefers nodes whose resources the Pod would bring closer to being used up evenly.</summary>
internal sealed class BalancedAllocation(ImmutableArray<ResourceWeight> resources) : IScore
{
    public string Name => "NodeResourcesBalancedAllocation";

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits)
    {
        foreach (var resource in resources) if (Asked(resource.Name, pod) != 0) return true;
        return false;
    }

    /// <remarks>As v1.36: 50 plus half of what the Pod does to the balance, itself counted 0 to 100.</remarks>
    public long Score(PodInfo pod, NodeInfo node) => Scores.Most / 2 + (Scores.Most / 2 + Balance(pod, node, with: true) - Balance(pod, node, with: false)) / 2;

    long Balance(PodInfo pod, NodeInfo node, bool with)
    {
        int count = 0;
        double sum = 0, squares = 0, first = 0, second = 0;
        foreach (var resource in resources)
        {
            long asked = with ? Asked(resource.Name, pod) : 0;
            var (taken, capacity) = resource.Name switch
            {
                "cpu" => (node.Requested.MilliCpu, node.Allocatable.MilliCpu),
                "memory" => (node.Requested.Memory, node.Allocatable.Memory),
                "ephemeral-storage" => (node.Requested.EphemeralStorage, node.Allocatable.EphemeralStorage),
                _ => pod.Requests.Scalars[resource.Name] == 0 ? (0, 0) : (node.Requested.Scalars[resource.Name], node.Allocatable.Scalars[resource.Name]),
            };
            if (capacity == 0) continue;
            double share = Math.Min(1, (double)(taken + asked) / capacity);
            if (count == 0) first = share; else second = share;
            count++;
            sum += share;
            squares += share * share;
        }
        double deviation = count switch
        {
            2 => Math.Abs((first - second) / 2),
            > 2 => Math.Sqrt(Math.Max(0, squares / count - sum / count * (sum / count))),
            _ => 0,
        };
        return (long)((1 - deviation) * Scores.Most);
    }

    static long Asked(string name, PodInfo pod) => name switch
    {
        "cpu" => pod.Requests.MilliCpu,
        "memory" => pod.Requests.Memory,
        "ephemeral-storage" => pod.Requests.EphemeralStorage,
        _ => pod.Requests.Scalars[name],
    };
}
