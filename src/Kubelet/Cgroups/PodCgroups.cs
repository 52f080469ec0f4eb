using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Makes a cgroup for each Pod, with limits for it as a whole, and removes those of Pods that are gone.</summary>
/// <remarks>What lies outside the configured root is never touched: the machine's other nodes have their Pods there.</remarks>
public sealed class PodCgroups : IAsyncDisposable
{
    readonly KubeletOptions _options;
    readonly CgroupTree _tree;

    public PodCgroups(KubeletOptions options, TimeProvider? time = null)
    {
        (_options, _tree) = (options, new(options.CgroupMount));
        // Without a mount point there are no containers to limit.
        if (options.CgroupMount.Length > 0 && Directory.Exists(options.CgroupMount))
            Driver = options.SystemdCgroups ? new SystemdCgroups(_tree, new(options.SystemBus, time ?? TimeProvider.System)) : new FileCgroups(_tree);
    }

    /// <summary>Null where no cgroups are made.</summary>
    internal ICgroupDriver? Driver { get; }

    /// <summary>The classes' shares may be others now.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Idempotent; also brings changed limits into force.</summary>
    /// <param name="also">The same Pod with what its containers still have: each limit is then the wider of both.</param>
    /// <param name="withoutQuota">A container of it has CPUs for itself, all of which it may use.</param>
    /// <exception cref="IOException"/>
    public async Task EnsureAsync(Pod pod, Pod? also, bool withoutQuota, CancellationToken ct)
    {
        if (Driver is not { } driver) return;
        string qos = PodQos.Of(pod.Spec);
        var limits = PodLimits.Of(pod.Spec, qos, _options);
        if (also is not null && also != pod) limits = limits.Or(PodLimits.Of(also.Spec, qos, _options));
        if (withoutQuota) limits = limits with { Quota = 0 };
        await driver.EnsureAsync(CgroupNames.Path(_options.CgroupRoot, qos, pod.Metadata.Uid), Whole(pod.Spec, qos, limits), ct).ConfigureAwait(false);
        Changed();
    }

    CgroupLimits Whole(PodSpec spec, string qos, PodLimits limits)
    {
        long reserved = _options.KeepsMemory ? PodQos.Total(spec, "memory", r => r.Requests, milli: false) : 0;
        return new()
        {
            Shares = limits.Shares, Quota = OrNone(limits.Quota), Period = limits.Period, Memory = OrNone(limits.Memory),
            MemoryMin = _options.KeepsMemory ? qos == "Guaranteed" ? reserved : 0 : null, MemoryLow = _options.KeepsMemory ? qos == "Burstable" ? reserved : 0 : null,
            Pids = _options.PodPidsLimit > 0 ? _options.PodPidsLimit : null,
            HugePages = _options.HugePageSizes.Select(size => KeyValuePair.Create(LinuxResources.HugePage(size), PodQos.Total(spec, LinuxResources.HugePageResource(size), r => r.Limits, milli: false))).ToMap(),
        };
    }

    static long OrNone(long value) => value > 0 ? value : CgroupLimits.None;

    /// <summary>Removes the Pod's cgroup, of whatever class.</summary>
    /// <returns>False while something still holds it.</returns>
    /// <exception cref="IOException"/>
    public async Task<bool> RemoveAsync(string uid, CancellationToken ct)
    {
        if (Driver is not { } driver) return true;
        bool all = true;
        foreach (string path in Classes().Select(c => c + "/pod" + uid).Where(driver.Exists)) all &= await driver.RemoveAsync(path, ct).ConfigureAwait(false);
        if (all) Changed();
        return all;
    }

    /// <summary>The Pods that have a cgroup beneath our root.</summary>
    public IReadOnlySet<string> Known() => Driver is not { } driver ? new HashSet<string>()
        : Classes().SelectMany(driver.Children).Where(n => n.StartsWith("pod", StringComparison.Ordinal)).Select(n => _options.SystemdCgroups ? n[3..].Replace('_', '-') : n[3..]).ToHashSet();

    /// <summary>What to tell when the runtime has put a sandbox where its own driver does, not ours; null when it has not.</summary>
    /// <param name="cri">Asked only when the sandbox is not where it belongs.</param>
    public async Task<string?> DisagreementAsync(Pod pod, string sandbox, ICri cri, string runtime, CancellationToken ct)
    {
        if (Driver is null) return null;
        string qos = PodQos.Of(pod.Spec), folder = CgroupNames.Folder(_options, qos, pod.Metadata.Uid);
        if (CgroupNames.Containers(_options, folder, sandbox).Any(_tree.Exists)) return null;
        PodSandboxStatusResponse? status;
        try { status = await cri.PodSandboxStatusAsync(sandbox, verbose: true, ct).ConfigureAwait(false); }
        catch (GrpcException) { return null; } // the sandbox runs: the next Pod will tell
        if (status is null || RuntimeInfo.Process(status.Info) is not { } process) return null;
        var cgroups = SandboxPlace.Cgroups(_options.ProcMount, process);
        return SandboxPlace.IsOfOtherDriver(cgroups, _options.SystemdCgroups, folder, CgroupNames.Parent(_options, qos, pod.Metadata.Uid), sandbox) ? DriverMismatch.Describe(_options, runtime) : null;
    }

    IEnumerable<string> Classes() => [_options.CgroupRoot, _options.CgroupRoot + CgroupNames.Burstable, _options.CgroupRoot + CgroupNames.BestEffort];

    public ValueTask DisposeAsync() => Driver?.DisposeAsync() ?? default;
}
