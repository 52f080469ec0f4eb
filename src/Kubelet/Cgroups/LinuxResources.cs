using System.Globalization;
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
    const long Page = 4096;
    const string HugePages = "hugepages-";
    const int GuaranteedOom = -997, BestEffortOom = 1000;

    public static long Shares(long milliCpu) => milliCpu == 0 ? MinShares : Math.Clamp(milliCpu * 1024 / 1000, MinShares, MaxShares);

    /// <returns>0 for no quota.</returns>
    public static long Quota(long milliCpu, long periodMicros) => milliCpu == 0 ? 0 : Math.Max(milliCpu * periodMicros / 1000, MinQuota);

    public static LinuxContainerResources Of(Pod pod, Container container, KubeletOptions options, long nodeMemory)
    {
        var (requests, limits) = (container.Resources.Requests, container.Resources.Limits);
        // A container without a limit of its own may use what the Pod as a whole may (KEP-2837).
        foreach (string name in (ReadOnlySpan<string>)["cpu", "memory"])
            if (limits[name].IsZero && pod.Spec.Resources?.Limits[name] is { IsZero: false } ofPod) limits = limits.Set(name, ofPod);
        long period = options.CpuCfsQuotaPeriod.Ticks / 10;
        // A limit without a request is the request too (the API's default, repeated for objects that never saw it).
        long cpu = requests.TryGet("cpu", out var asked) ? asked.MilliValue() : container.Resources.Limits["cpu"].MilliValue();
        var resources = new LinuxContainerResources
        {
            CpuShares = Shares(cpu),
            MemoryLimitInBytes = limits["memory"].Value(),
            OomScoreAdj = OomScore(pod, container, nodeMemory),
        };
        if (options.CpuCfsQuota && limits["cpu"].MilliValue() is > 0 and var limit)
            (resources.CpuQuota, resources.CpuPeriod) = (Quota(limit, period), period);
        // Of what is not asked for, a container has none.
        foreach (long size in options.HugePageSizes.Concat(limits.Where(l => l.Key.StartsWith(HugePages, StringComparison.Ordinal)).Select(l => Quantity.Parse(l.Key[HugePages.Length..]).Value())).Distinct())
            resources.HugepageLimits.Add(new HugepageLimit { PageSize = HugePage(size), Limit = (ulong)limits[HugePageResource(size)].Value() });
        foreach (var (file, value) in Unified(pod, container, options, nodeMemory)) resources.Unified[file] = value.ToString(CultureInfo.InvariantCulture);
        return resources;
    }

    public static bool MaySwap(Pod pod, Container container, KubeletOptions options, long nodeMemory)
    {
        long request = container.Resources.Requests["memory"].Value(), limit = container.Resources.Limits["memory"].Value();
        return options is { SwapBytes: not null, SwapBehavior: "LimitedSwap" } && PodQos.Of(pod.Spec) == "Burstable" && request > 0 && request != limit && !(pod.Spec.Priority >= 2_000_000_000) && nodeMemory > 0;
    }

    /// <summary>What v2 has files for and CRI has no words.</summary>
    static IEnumerable<(string File, long Value)> Unified(Pod pod, Container container, KubeletOptions options, long nodeMemory)
    {
        long request = container.Resources.Requests["memory"].Value(), limit = container.Resources.Limits["memory"].Value();
        string qos = PodQos.Of(pod.Spec);
        if (options.OomKillsTogether) yield return ("memory.oom.group", 1);
        if (options.SwapBytes is { } swap)
        {
            yield return ("memory.swap.max", MaySwap(pod, container, options, nodeMemory) ? (long)((Int128)swap * request / nodeMemory) / Page * Page : 0);
        }
        if (options.KeepsMemory && request > 0 && qos != "BestEffort") yield return (qos == "Guaranteed" ? "memory.min" : "memory.low", request);
        if (!options.MemoryQos || qos == "Guaranteed" || request > 0 && request == limit) yield break;
        long most = limit > 0 ? limit : nodeMemory, high = (long)(request + options.MemoryThrottlingFactor * (most - request)) / Page * Page;
        if (high > request) yield return ("memory.high", high);
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
        // What the Pod asks for beyond its containers belongs to each of them alike (KEP-2837).
        long shared = Math.Max(0, Spare(pod.Spec));
        long score = Score(request + shared);
        // A sidecar does not die before the containers that it serves (KEP-753).
        if (container.IsSidecar() && !pod.Spec.Containers.IsEmpty) score = Math.Min(score, Score(pod.Spec.Containers.Min(c => c.Resources.Requests["memory"].Value()) + shared));
        return (int)Math.Min(Math.Max(score, 1000 + GuaranteedOom), BestEffortOom - 1);

        long Score(long bytes) => 1000 - (long)(1000 * (Int128)bytes / nodeMemory);
    }

    static long Spare(PodSpec spec)
    {
        if (spec.Resources?.Requests["memory"].Value() is not (> 0 and var whole)) return 0;
        return (whole - PodQos.Total(spec with { Resources = null, Overhead = default }, "memory", r => r.Requests, milli: false)) / (spec.Containers.Count + spec.InitContainers.Count);
    }

    /// <summary>The resource of pages of so many bytes: <c>hugepages-2Mi</c>.</summary>
    public static string HugePageResource(long size) => HugePages + new Quantity(size, QuantityFormat.BinarySI);

    /// <summary>Pages of so many bytes as the kernel's files have them: <c>2MB</c>.</summary>
    public static string HugePage(long size) =>
        size switch
        {
            >= 1L << 30 and var b when b % (1L << 30) == 0 => $"{b >> 30}GB",
            >= 1L << 20 and var b when b % (1L << 20) == 0 => $"{b >> 20}MB",
            var b => $"{b >> 10}KB",
        };
}
