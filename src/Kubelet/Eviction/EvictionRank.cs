using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Stats;

namespace Hanbae.Kubelet.Eviction;

/// <summary>Who goes first when the node is short of something, and what is said of it; upstream's order and words.</summary>
static class EvictionRank
{
    /// <summary>What a signal is about, as messages and requests call it.</summary>
    public static string Resource(string signal) => signal switch
    {
        "memory.available" or Threshold.AllocatableMemory => "memory",
        "pid.available" => "pids",
        _ => signal.EndsWith("inodesFree", StringComparison.Ordinal) ? "inodes" : "ephemeral-storage",
    };

    /// <summary>First who uses more than it asked for, then by priority, then by how much more; never Pods the node cannot do without.</summary>
    /// <param name="disks">What is on the disk that is short.</param>
    public static IEnumerable<PodUse> Order(string signal, IEnumerable<PodUse> pods, DiskLayout? disks = null)
    {
        string resource = Resource(signal);
        var candidates = pods.Where(p => !CriticalPods.IsCritical(p.Pod));
        if (resource == "pids") return candidates.OrderBy(Priority).ThenByDescending(p => p.Figures?.Threads ?? 0);
        return candidates.OrderByDescending(p => Excess(p) > 0).ThenBy(Priority).ThenByDescending(Excess);

        long Excess(PodUse p) => Used(p, signal, resource, disks ?? DiskLayout.None) - (resource == "inodes" ? 0 : PodQos.Total(p.Pod.Spec, resource, r => r.Requests, milli: false));
        static int Priority(PodUse p) => p.Pod.Spec.Priority ?? 0;
    }

    public static string Message(Threshold threshold, long capacity, long available, PodUse pod)
    {
        string resource = Resource(threshold.Signal);
        var format = resource is "memory" or "ephemeral-storage" ? QuantityFormat.BinarySI : QuantityFormat.DecimalSI;
        string message = $"The node was low on resource: {resource}. Threshold quantity: {new Quantity(threshold.Of(capacity), format)}, available: {Rounded(available, format)}. ";
        foreach (var (name, used, request) in Offenders(resource, pod)) message += $"Container {name} was using {used}, request is {request}, has larger consumption of {resource}. ";
        return message;
    }

    /// <summary>The same for programs: annotations of the Event.</summary>
    public static Map<string> Annotations(Threshold threshold, PodUse pod)
    {
        string resource = Resource(threshold.Signal);
        var offenders = Offenders(resource, pod).ToArray();
        return Map.Of(("offending_containers", string.Join(',', offenders.Select(o => o.Name))), ("offending_containers_usage", string.Join(',', offenders.Select(o => o.Used))), ("starved_resource", resource));
    }

    /// <summary>Containers that use more than they asked for.</summary>
    static IEnumerable<(string Name, string Used, Quantity Request)> Offenders(string resource, PodUse pod)
    {
        if (resource is not ("memory" or "ephemeral-storage")) yield break;
        foreach (var c in pod.Containers)
        {
            long used = resource == "memory" ? c.Figures.WorkingSet : c.WritableBytes + c.LogBytes;
            var request = pod.Pod.Spec.Containers.Find(s => s.Name == c.Name)?.Resources.Requests[resource] ?? default;
            if (used > request.Value()) yield return (c.Name, Rounded(used, QuantityFormat.BinarySI), request);
        }
    }

    /// <summary>What a Pod takes beyond the limits that it set itself; null when it keeps them.</summary>
    public static string? OverLimit(PodUse pod)
    {
        foreach (var volume in pod.Pod.Spec.Volumes)
            if (volume.EmptyDir?.SizeLimit is { Sign: > 0 } limit && pod.Volumes.TryGetValue(volume.Name, out var use) && use.Used > limit.Value())
                return $"Usage of EmptyDir volume \"{volume.Name}\" exceeds the limit \"{limit}\". ";
        long ofPod = 0;
        bool limited = false;
        foreach (var container in pod.Pod.Spec.Containers)
            if (container.Resources.Limits.TryGet("ephemeral-storage", out var limit) && limit.Sign > 0)
            {
                limited = true;
                ofPod += limit.Value();
            }
        if (limited && pod.DiskBytes > ofPod) return $"Pod ephemeral local storage usage exceeds the total limit of containers {new Quantity(ofPod, QuantityFormat.BinarySI)}. ";
        foreach (var c in pod.Containers)
            if (pod.Pod.Spec.Containers.Find(s => s.Name == c.Name)?.Resources.Limits["ephemeral-storage"] is { Sign: > 0 } limit && c.WritableBytes + c.LogBytes > limit.Value())
                return $"Container {c.Name} exceeded its local ephemeral storage limit \"{limit}\". ";
        return null;
    }

    static long Used(PodUse pod, string signal, string resource, DiskLayout disks)
    {
        if (resource == "memory") return pod.WorkingSet;
        var volumes = pod.Volumes.Values.Where(v => v.OnNodeDisk);
        long layers = !disks.LayersCount(signal) ? 0 : pod.Containers.Sum(c => resource == "inodes" ? c.WritableInodes : c.WritableBytes);
        if (!disks.FilesCount(signal)) return layers;
        return layers + (resource == "inodes" ? volumes.Sum(v => v.InodesUsed) : pod.Containers.Sum(c => c.LogBytes) + volumes.Sum(v => v.Used));
    }

    static string Rounded(long amount, QuantityFormat format) =>
        format == QuantityFormat.BinarySI && amount >= 1024 ? (amount / 1024).ToString(CultureInfo.InvariantCulture) + "Ki" : amount.ToString(CultureInfo.InvariantCulture);
}
