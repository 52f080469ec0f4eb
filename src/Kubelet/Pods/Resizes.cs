using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Runtime;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Pods;

/// <summary>Changes of cpu and memory that running containers take in place (KEP-1287).</summary>
static class Resizes
{
    /// <summary>What the runtime is to change of a running container; null when all is as asked, or when it does not say what is in force.</summary>
    public static LinuxContainerResources? For(Pod pod, Container container, RuntimeContainer running, KubeletOptions options, long nodeMemory)
    {
        if (running is not { State: RuntimeState.Running, Resources: { } now }) return null;
        var wanted = LinuxResources.Of(pod, container, options, nodeMemory);
        bool cpu = now.CpuShares != wanted.CpuShares || Math.Max(now.CpuQuota, 0) != wanted.CpuQuota, memory = Math.Max(now.MemoryLimitInBytes, 0) != wanted.MemoryLimitInBytes;
        if (!cpu && !memory) return null;
        // Taking a limit away in place means telling the kernel so: zero would mean "as it is".
        if (wanted.CpuQuota == 0) (wanted.CpuQuota, wanted.CpuPeriod) = (-1, options.CpuCfsQuotaPeriod.Ticks / 10);
        if (wanted.MemoryLimitInBytes == 0) wanted.MemoryLimitInBytes = -1;
        return wanted;
    }

    /// <summary>Whether the container wants to be started anew for a change of what differs.</summary>
    public static bool NeedsRestart(Container container, RuntimeContainer running, LinuxContainerResources wanted)
    {
        bool cpu = running.Resources!.CpuShares != wanted.CpuShares || running.Resources.CpuQuota != wanted.CpuQuota;
        bool memory = running.Resources.MemoryLimitInBytes != wanted.MemoryLimitInBytes;
        return container.ResizePolicy.Exists(p => p.RestartPolicy == "RestartContainer" && (p.ResourceName == "cpu" && cpu || p.ResourceName == "memory" && memory));
    }
}
