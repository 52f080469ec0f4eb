using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Tests;

/// <summary>Pods and nodes to test with.</summary>
static class Make
{
    public static Pod Pod(string name, string cpu = "", string memory = "", int priority = 0) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-" + name },
        Spec = new() { Priority = priority, Containers = [Container(cpu, memory)] },
    };

    public static Container Container(string cpu = "", string memory = "") => new() { Name = "main", Image = "web:1", Resources = new() { Requests = Amounts(cpu, memory) } };

    public static Map<Quantity> Amounts(string cpu, string memory)
    {
        Map<Quantity> list = default;
        if (cpu.Length > 0) list = list.Set("cpu", Quantity.Parse(cpu));
        return memory.Length > 0 ? list.Set("memory", Quantity.Parse(memory)) : list;
    }

    public static Pod With(this Pod pod, Func<PodSpec, PodSpec> spec) => pod with { Spec = spec(pod.Spec) };
    public static PodInfo Info(this Pod pod) => new(pod);

    public static Node Node(string name, string cpu = "4", string memory = "8Gi", int pods = 110) => new()
    {
        Metadata = new() { Name = name, Labels = Map.Of(("kubernetes.io/hostname", name)) },
        Status = new() { Allocatable = Amounts(cpu, memory).Set("pods", Quantity.Parse(pods.ToString())) },
    };

    public static Node Labels(this Node node, params ReadOnlySpan<(string, string)> labels) =>
        node with { Metadata = node.Metadata with { Labels = node.Metadata.Labels.With(Map.Of(labels)) } };

    public static Node Taint(this Node node, string key, string value = "", string effect = "NoSchedule") =>
        node with { Spec = node.Spec with { Taints = node.Spec.Taints.Add(new() { Key = key, Value = value, Effect = effect }) } };

    public static Node Cordoned(this Node node) => node with { Spec = node.Spec with { Unschedulable = true } };

    public static NodeInfo Info(this Node node, params Pod[] pods)
    {
        var info = new NodeInfo(node.Metadata.Name);
        info.Set(node);
        foreach (var pod in pods) info.Add(new(pod));
        return info;
    }

    public static Snapshot Snapshot(params Node[] nodes)
    {
        var snapshot = new Snapshot();
        foreach (var node in nodes) snapshot.Set(node);
        return snapshot;
    }
}
