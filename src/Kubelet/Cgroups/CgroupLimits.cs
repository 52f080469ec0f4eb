namespace Hanbae.Kubelet.Cgroups;

/// <summary>What the kernel is told of one cgroup; null leaves a value as it is, <see cref="None"/> takes a limit away.</summary>
readonly record struct CgroupLimits
{
    public const long None = -1;

    /// <summary>Of processor time, beside neighbours: 2 to 262144, on v2 as the weight that means the same.</summary>
    public long? Shares { get; init; }
    /// <summary>Microseconds of processor time in each <see cref="Period"/>.</summary>
    public long? Quota { get; init; }
    public long Period { get; init; }
    public long? Memory { get; init; }
    /// <summary>Memory that is never taken away (v2 only).</summary>
    public long? MemoryMin { get; init; }
    /// <summary>Memory that is taken away last (v2 only).</summary>
    public long? MemoryLow { get; init; }
    public long? Pids { get; init; }
    /// <summary>Bytes by size of page, as the kernel's files spell it: <c>2MB</c>.</summary>
    public Map<long> HugePages { get; init; }

    public static long Weight(long shares) => 1 + (shares - 2) * 9999 / 262142;
}
