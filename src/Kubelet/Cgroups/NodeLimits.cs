using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Nodes;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>What the node's own cgroups are limited to, as functions on settings and Pods.</summary>
static class NodeLimits
{
    // More than any machine has: classes do not limit huge pages, and a new cgroup may have none.
    const long Unbounded = 1L << 62;

    /// <summary>Of all Pods together: what the machine has, less what is kept from them where that is enforced.</summary>
    /// <remarks>As upstream, eviction's thresholds are left in: it needs the room between them and the limit to act.</remarks>
    /// <param name="maxPids">How many processes the machine may have.</param>
    public static CgroupLimits Root(KubeletOptions options, MachineInfo machine, long maxPids, IEnumerable<Pod> pods)
    {
        bool enforced = options.EnforceNodeAllocatable.Contains("pods");
        var (guaranteed, burstable) = options.KeepsMemory ? Memory(pods) : default;
        return new()
        {
            Shares = LinuxResources.Shares(Left("cpu", machine.Cpus * 1000L, q => q.MilliValue())), Memory = Left("memory", machine.MemoryBytes, q => q.Value()),
            MemoryMin = options.KeepsMemory ? guaranteed : null, MemoryLow = options.KeepsMemory ? burstable : null,
            Pids = maxPids > 0 ? Left("pid", maxPids, q => q.Value()) : null,
            HugePages = machine.HugePages.Select(p => KeyValuePair.Create(LinuxResources.HugePage(p.Key), Left(LinuxResources.HugePageResource(p.Key), p.Value, q => q.Value()))).ToMap(),
        };

        long Left(string name, long all, Func<Quantity, long> value) => enforced ? Math.Max(all - value(options.SystemReserved[name]) - value(options.KubeReserved[name]), 0) : all;
    }

    /// <summary>Of a cgroup of somebody else's that a reservation is for.</summary>
    /// <param name="compressible">Only its processor time, which can be taken away without harm.</param>
    public static CgroupLimits Reserved(KubeletOptions options, Map<Quantity> reserved, bool compressible) => new()
    {
        Shares = reserved.TryGet("cpu", out var cpu) ? LinuxResources.Shares(cpu.MilliValue()) : null,
        Memory = !compressible && reserved.TryGet("memory", out var memory) ? memory.Value() : null,
        Pids = !compressible && reserved.TryGet("pid", out var pids) ? pids.Value() : null,
        HugePages = compressible ? default : options.HugePageSizes.Where(s => reserved.ContainsKey(LinuxResources.HugePageResource(s)))
            .Select(s => KeyValuePair.Create(LinuxResources.HugePage(s), reserved[LinuxResources.HugePageResource(s)].Value())).ToMap(),
    };

    /// <summary>Of all Burstable Pods together: a share of the processors as great as their requests.</summary>
    public static CgroupLimits Burstable(KubeletOptions options, MachineInfo machine, IReadOnlyCollection<Pod> pods)
    {
        var mine = pods.Where(p => PodQos.Of(p.Spec) == "Burstable").ToArray();
        return new()
        {
            Shares = LinuxResources.Shares(mine.Sum(p => PodQos.Total(p.Spec, "cpu", r => r.Requests, milli: true))),
            Memory = LeftOver(options, machine, Memory(pods).Guaranteed),
            MemoryLow = options.KeepsMemory ? Memory(mine).Burstable : null, HugePages = AnyPages(options),
        };
    }

    /// <summary>Of all BestEffort Pods together: what nobody else wants.</summary>
    public static CgroupLimits BestEffort(KubeletOptions options, MachineInfo machine, IEnumerable<Pod> pods) =>
        new() { Shares = LinuxResources.Shares(0), Memory = Memory(pods) is var asked ? LeftOver(options, machine, asked.Guaranteed, asked.Burstable) : null, HugePages = AnyPages(options) };

    /// <summary>What <c>qosReserved</c> leaves of the memory that Pods may have: of what each higher class asks for, its part is taken away.</summary>
    static long? LeftOver(KubeletOptions options, MachineInfo machine, params ReadOnlySpan<long> asked)
    {
        if (!options.QosReserved || options.QosReservedMemory == 0) return null;
        long left = machine.MemoryBytes - options.SystemReserved["memory"].Value() - options.KubeReserved["memory"].Value();
        foreach (long memory in asked) left -= memory * options.QosReservedMemory / 100;
        return Math.Max(left, 0);
    }

    static Map<long> AnyPages(KubeletOptions options) => options.HugePageSizes.Select(s => KeyValuePair.Create(LinuxResources.HugePage(s), Unbounded)).ToMap();

    static (long Guaranteed, long Burstable) Memory(IEnumerable<Pod> pods)
    {
        long guaranteed = 0, burstable = 0;
        foreach (var pod in pods)
        {
            long asked = PodQos.Total(pod.Spec, "memory", r => r.Requests, milli: false);
            if (PodQos.Of(pod.Spec) == "Guaranteed") guaranteed += asked; else burstable += asked;
        }
        return (guaranteed, burstable);
    }
}
