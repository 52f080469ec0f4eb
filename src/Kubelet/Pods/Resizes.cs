using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Statuses;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Pods;

/// <summary>Changes of cpu and memory that running containers take in place (KEP-1287).</summary>
static class Resizes
{
    const string Infeasible = "Infeasible";

    /// <summary>Why a Pod is never resized, whatever the node has; null when nothing speaks against it.</summary>
    public static ResizeRefusal? Forbid(Pod granted, Pod pod, KubeletOptions options, long nodeMemory)
    {
        if (pod.Metadata.Annotations.TryGet(Static.StaticPods.SourceAnnotation, out string? source) && source != "api") return new(Infeasible, "In-place resize of static-pods is not supported", "static_pod");
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers))
        {
            // How much a container may swap follows from its memory request, and cannot be changed while it runs.
            if (granted.Spec.Find(container.Name) is not { } had || had.Resources.Requests["memory"] == container.Resources.Requests["memory"]
                || had.ResizePolicy.Find(p => p.ResourceName == "memory")?.RestartPolicy == "RestartContainer") continue;
            if (LinuxResources.MaySwap(pod, container, options, nodeMemory) || LinuxResources.MaySwap(granted, had, options, nodeMemory))
                return new(Infeasible, "In-place resize of containers with swap is not supported.", "swap_limitation");
        }
        return null;
    }

    /// <summary>Why the node cannot grant a Pod's new wishes: never (<c>Infeasible</c>) or not now (<c>Deferred</c>); null when it can.</summary>
    /// <param name="others">With what they were granted.</param>
    public static ResizeRefusal? Refuse(Pod pod, IEnumerable<Pod> others, Map<Quantity> allocatable)
    {
        if (allocatable.IsEmpty) return null;
        var running = others.ToArray();
        foreach (string resource in (ReadOnlySpan<string>)["cpu", "memory"])
        {
            bool milli = resource == "cpu";
            long capacity = milli ? allocatable[resource].MilliValue() : allocatable[resource].Value(), asked = Of(pod);
            if (asked > capacity) return new(Infeasible, $"Node didn't have enough capacity: {resource}, requested: {asked}, capacity: {capacity}", "insufficient_node_allocatable");
            long used = running.Sum(Of);
            if (asked > capacity - used) return new("Deferred", $"Node didn't have enough resource: {resource}, requested: {asked}, used: {used}, capacity: {capacity}", "");

            long Of(Pod p) => PodQos.Total(p.Spec, resource, r => r.Requests, milli);
        }
        return null;
    }

    /// <summary>What the runtime is to change of a container that runs with other resources than it was granted; null when the kernel would see no difference.</summary>
    /// <param name="was">The Pod with what it had as a whole.</param>
    public static LinuxContainerResources? For(Pod pod, Pod was, Container container, ResourceRequirements inForce, KubeletOptions options, long nodeMemory)
    {
        var wanted = LinuxResources.Of(pod, container, options, nodeMemory);
        var now = LinuxResources.Of(was, container with { Resources = inForce }, options, nodeMemory);
        if (now.CpuShares == wanted.CpuShares && now.CpuQuota == wanted.CpuQuota && now.MemoryLimitInBytes == wanted.MemoryLimitInBytes) return null;
        // Taking a limit away in place means telling the kernel so: zero would mean "as it is".
        if (wanted.CpuQuota == 0) (wanted.CpuQuota, wanted.CpuPeriod) = (-1, options.CpuCfsQuotaPeriod.Ticks / 10);
        if (wanted.MemoryLimitInBytes == 0) wanted.MemoryLimitInBytes = -1;
        return wanted;
    }

    /// <summary>Whether the container wants to be started anew for a change of what differs.</summary>
    public static bool NeedsRestart(Container container, ResourceRequirements inForce) =>
        container.ResizePolicy.Exists(p => p.RestartPolicy == "RestartContainer"
            && (container.Resources.Requests[p.ResourceName] != inForce.Requests[p.ResourceName] || container.Resources.Limits[p.ResourceName] != inForce.Limits[p.ResourceName]));

    /// <summary>Which of two that wait is looked at first: those that take no more than they have, the more important, the better class, who has waited longer.</summary>
    public static int Compare(WaitingResize a, WaitingResize b) =>
        a.Grows != b.Grows ? a.Grows.CompareTo(b.Grows)
        : a.Pod.Spec.Priority != b.Pod.Spec.Priority ? (b.Pod.Spec.Priority ?? 0).CompareTo(a.Pod.Spec.Priority ?? 0)
        : Class(a.Pod) != Class(b.Pod) ? Class(a.Pod).CompareTo(Class(b.Pod))
        : a.Since.CompareTo(b.Since);

    static int Class(Pod pod) => PodQos.Of(pod.Spec) switch { "Guaranteed" => 0, "Burstable" => 1, _ => 2 };

    /// <summary>Whether a Pod asks for more of something than it was granted.</summary>
    public static bool Grows(Pod granted, Pod wanted)
    {
        foreach (string resource in (ReadOnlySpan<string>)["cpu", "memory"])
            if (PodQos.Total(wanted.Spec, resource, r => r.Requests, milli: resource == "cpu") > PodQos.Total(granted.Spec, resource, r => r.Requests, milli: resource == "cpu")) return true;
        return false;
    }

    /// <summary>As events tell of resizes.</summary>
    public static string Describe(string what, Pod pod, string error = "")
    {
        string List(IEnumerable<Container> containers) => string.Join(',', containers.Select(c =>
            $"{{\"name\":\"{c.Name}\",\"resources\":{System.Text.Encoding.UTF8.GetString(StatusPatch.Json(c.Resources))}}}"));
        string inits = List(pod.Spec.InitContainers.Where(PodContainers.IsSidecar));
        string whole = pod.Spec.Resources is { } resources ? $"\"podResources\":{System.Text.Encoding.UTF8.GetString(StatusPatch.Json(resources))}," : "";
        if (inits.Length > 0) inits = $"\"initContainers\":[{inits}],";
        return $"{what}: {{{whole}{inits}\"containers\":[{List(pod.Spec.Containers)}],\"generation\":{pod.Metadata.Generation}"
            + (error.Length > 0 ? $",\"error\":{Api.Json.GoQuote.Text(error)}" : "") + "}";
    }
}

/// <summary>Why a resize is not granted.</summary>
/// <param name="Detail">As figures call it, of what is not feasible.</param>
readonly record struct ResizeRefusal(string Reason, string Message, string Detail);

/// <summary>A resize that the node could not grant yet.</summary>
/// <param name="Grows">It asks for more than the Pod was granted.</param>
readonly record struct WaitingResize(Pod Pod, bool Grows, DateTimeOffset Since);
