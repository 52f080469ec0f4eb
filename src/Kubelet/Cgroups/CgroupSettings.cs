using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Nodes;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>What runtime and machine say of cgroups, put together with what the settings say.</summary>
static class CgroupSettings
{
    /// <summary>A runtime that tells its driver is believed (KEP-4033); containerd before 2.0 does not.</summary>
    public static async Task<KubeletOptions> CompleteAsync(KubeletOptions options, MachineInfo machine, ICri cri, ILogger log, CancellationToken ct)
    {
        if (options.CgroupMount.Length == 0) return options;
        bool v2 = File.Exists(Path.Combine(options.CgroupMount, "cgroup.controllers"));
        options = options with
        {
            HugePageSizes = machine.HugePages.Keys.Order().ToSeq(), SwapBytes = CanLimitSwap(options) ? MachineInfo.Memory("SwapTotal") : null,
            MemoryQos = options.MemoryQos && !IsV1(options), OomKillsTogether = v2 && options.SingleProcessOomKill != true,
        };
        try
        {
            if ((await cri.RuntimeConfigAsync(ct).ConfigureAwait(false))?.Linux is not { } told) return options;
            bool systemd = told.CgroupDriver == CgroupDriver.Systemd;
            if (systemd != options.SystemdCgroups) log.DriverTold(Name(systemd), Name(options.SystemdCgroups));
            return options with { SystemdCgroups = systemd };
        }
        catch (GrpcException) when (!ct.IsCancellationRequested) { return options; } // the node's status will tell of it
    }

    static string Name(bool systemd) => systemd ? "systemd" : "cgroupfs";

    /// <exception cref="IOException">The machine is one that the settings refuse.</exception>
    public static void Check(KubeletOptions options)
    {
        if (options.FailCgroupV1 && IsV1(options))
            throw new IOException("kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in maintenance mode; "
                + "set failCgroupV1: false in the KubeletConfiguration to run here all the same");
        // Who says so must be able to rely on it.
        if (options.SingleProcessOomKill == false && IsV1(options)) throw new IOException("invalid configuration: singleProcessOOMKill must not be explicitly set to false when using cgroup v1");
        if (options.FailSwapOn && MachineInfo.Memory("SwapTotal") > 0) throw new IOException("running with swap on is not supported, please disable swap or set failSwapOn: false in the KubeletConfiguration");
    }

    /// <summary>Upstream's event on nodes with v1.</summary>
    public static (string, string)? Warning(KubeletOptions options) => IsV1(options) ? ("CgroupV1", "cgroup v1 support is in maintenance mode, please migrate to cgroup v2") : null;

    static bool IsV1(KubeletOptions options) => options.CgroupMount.Length > 0 && Directory.Exists(options.CgroupMount) && !File.Exists(Path.Combine(options.CgroupMount, "cgroup.controllers"));

    /// <summary>The kernel may be built, or started, without it; the file of any cgroup beneath the root tells.</summary>
    static bool CanLimitSwap(KubeletOptions options) =>
        File.Exists(Path.Combine(options.CgroupMount, "cgroup.controllers")) && Directory.EnumerateDirectories(options.CgroupMount).Any(d => File.Exists(Path.Combine(d, "memory.swap.max")));
}
