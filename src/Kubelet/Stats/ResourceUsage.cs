using Hanbae.Api;
using Hanbae.Api.Metrics.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Stats;

/// <summary>What <c>metrics.k8s.io</c> answers of one node and its Pods: for <c>kubectl top</c> and for autoscalers.</summary>
/// <remarks>Pure but for the node's memory, which is read when it is asked for. Processor figures need two readings: before the second there are none, as with the metrics server.</remarks>
public sealed record ResourceUsage(NodeMetrics? Node, Seq<PodMetrics> Pods)
{
    public static ResourceUsage None { get; } = new(null, default);

    internal static ResourceUsage Of(NodeUse use, string node, Map<string> nodeLabels, long memory)
    {
        if (use.CpuRate is not { } rate) return None;
        var pods = new List<PodMetrics>();
        foreach (var pod in use.Pods)
        {
            if (pod.Containers.Count == 0 || pod.Containers.Any(c => c.Rate is null)) continue;
            pods.Add(new()
            {
                Metadata = new() { Name = pod.Pod.Metadata.Name, Namespace = pod.Pod.Metadata.Namespace, CreationTimestamp = use.At, Labels = pod.Pod.Metadata.Labels },
                Timestamp = use.At, Window = Duration.From(use.Window),
                Containers = pod.Containers.Select(c => new ContainerMetrics { Name = c.Name, Usage = Amounts(c.Rate!.Value, c.Figures.WorkingSet) }).ToSeq(),
            });
        }
        return new(new()
        {
            Metadata = new() { Name = node, CreationTimestamp = use.At, Labels = nodeLabels }, Timestamp = use.At, Window = Duration.From(use.Window), Usage = Amounts(rate, memory),
        }, pods.ToSeq());
    }

    static Map<Quantity> Amounts(long nanoCores, long bytes) =>
        Map.Of(("cpu", Quantity.Parse($"{nanoCores}n")), ("memory", Quantity.Parse($"{bytes / 1024}Ki")));
}
