using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Pods;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Translates requests and limits into the kernel's terms.</summary>
static class LinuxResources
{
    const long MinShares = 2, MaxShares = 262144, MinQuota = 1000;
    const int GuaranteedOom = -997, BestEffortOom = 1000;

    public static long Shares(long milliCpu) => milliCpu == 0 ? MinShares : Math.Clamp(milliCpu * 1024 / 1000, MinShares, MaxShares);

    /// <returns>0 for no quota.</returns>
    public static long Quota(long milliCpu, long periodMicros) => milliCpu == 0 ? 0 : Math.Max(milliCpu * periodMicros / 1000, MinQuota);

    public static LinuxContainerResources Of(Pod pod, Container container, KubeletOptions options, long nodeMemory)
    {
        var (requests, limits) = (container.Resources.Requests, container.Resources.Limits);
        long period = options.CpuCfsQuotaPeriod.Ticks / 10;
        // A limit without a request is the request too (the API's default, repeated for objects that never saw it).
        long cpu = requests.TryGet("cpu", out var asked) ? asked.MilliValue() : limits["cpu"].MilliValue();
        var resources = new LinuxContainerResources
        {
            CpuShares = Shares(cpu),
            MemoryLimitInBytes = limits["memory"].Value(),
            OomScoreAdj = OomScore(pod, container, nodeMemory),
        };
        if (options.CpuCfsQuota && limits["cpu"].MilliValue() is > 0 and var limit)
            (resources.CpuQuota, resources.CpuPeriod) = (Quota(limit, period), period);
        foreach (var (name, quantity) in limits)
            if (name.StartsWith("hugepages-", StringComparison.Ordinal))
                resources.HugepageLimits.Add(new HugepageLimit { PageSize = HugePage(name["hugepages-".Length..]), Limit = (ulong)quantity.Value() });
        return resources;
    }

    /// <summary>Who asks for much of the node's memory and stays within it dies last.</summary>
    public static int OomScore(Pod pod, Container container, long nodeMemory)
    {
        if (pod.Spec.Priority >= 2_000_000_000) return GuaranteedOom; // node critical
        switch (PodQos.Of(pod.Spec))
        {
            case "Guaranteed": return GuaranteedOom;
            case "BestEffort": return BestEffortOom;
        }
        long request = container.Resources.Requests["memory"].Value();
        if (nodeMemory <= 0) return BestEffortOom - 1;
        long score = 1000 - (long)(1000 * (Int128)request / nodeMemory);
        return (int)Math.Min(Math.Max(score, 1000 + GuaranteedOom), BestEffortOom - 1);
    }

    /// <summary><c>2Mi</c> as the kernel's files have it: <c>2MB</c>.</summary>
    static string HugePage(string size) =>
        Quantity.Parse(size).Value() switch
        {
            >= 1L << 30 and var b when b % (1L << 30) == 0 => $"{b >> 30}GB",
            >= 1L << 20 and var b when b % (1L << 20) == 0 => $"{b >> 20}MB",
            var b => $"{b >> 10}KB",
        };
}
