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
    const string Huge = "hugepages-";
    static readonly string[] s_pageSizes = !Directory.Exists(PageFolder) ? []
        : [.. Directory.EnumerateDirectories(PageFolder, Huge + "*kB").Select(f => HugePage(Path.GetFileName(f)[Huge.Length..^2] + "Ki"))];
    const string PageFolder = "/sys/kernel/mm/hugepages";

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
        foreach (var (size, bytes) in HugePages(limits)) resources.HugepageLimits.Add(new HugepageLimit { PageSize = size, Limit = (ulong)bytes });
        return resources;
    }

    /// <summary>The limit of every size of huge pages that the machine has, under the kernel's name (<c>2MB</c>): who asks for none may have none.</summary>
    public static IEnumerable<(string Size, long Bytes)> HugePages(Map<Quantity> limits)
    {
        var asked = limits.Where(l => l.Key.StartsWith(Huge, StringComparison.Ordinal)).ToDictionary(l => HugePage(l.Key[Huge.Length..]), l => l.Value.Value());
        return asked.Keys.Union(s_pageSizes).Order(StringComparer.Ordinal).Select(size => (size, asked.GetValueOrDefault(size)));
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

    /// <summary><c>2Mi</c> as the kernel's files have it: <c>2MB</c>.</summary>
    static string HugePage(string size) =>
        Quantity.Parse(size).Value() switch
        {
            >= 1L << 30 and var b when b % (1L << 30) == 0 => $"{b >> 30}GB",
            >= 1L << 20 and var b when b % (1L << 20) == 0 => $"{b >> 20}MB",
            var b => $"{b >> 10}KB",
        };
}
