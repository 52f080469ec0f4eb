using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>What the kernel is told of a Pod as a whole; 0 is no limit.</summary>
readonly record struct PodLimits(long Shares, long Quota, long Period, long Memory)
{
    public static PodLimits Of(PodSpec spec, string qos, KubeletOptions options)
    {
        long period = options.CpuCfsQuotaPeriod.Ticks / 10;
        return new(
            qos == "BestEffort" ? 2 : LinuxResources.Shares(PodQos.Total(spec, "cpu", r => r.Requests, milli: true)),
            // A Pod is only limited as a whole when each of its containers is.
            options.CpuCfsQuota && Limited(spec, "cpu") ? LinuxResources.Quota(PodQos.Total(spec, "cpu", r => r.Limits, milli: true), period) : 0,
            period,
            Limited(spec, "memory") ? PodQos.Total(spec, "memory", r => r.Limits, milli: false) : 0);
    }

    /// <summary>Whatever of both is wider: while containers change one by one, the Pod must hold the old and the new.</summary>
    public PodLimits Or(PodLimits other) => new(Math.Max(Shares, other.Shares), Wider(Quota, other.Quota), Period, Wider(Memory, other.Memory));

    static long Wider(long a, long b) => a == 0 || b == 0 ? 0 : Math.Max(a, b);

    static bool Limited(PodSpec spec, string resource) =>
        spec.Resources is { } whole && whole.Limits.ContainsKey(resource) || spec.Containers.Concat(spec.InitContainers).All(c => c.Resources.Limits[resource].Sign > 0);
}
