using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Keeps the cgroups above the Pods' own: of all Pods, of the classes, and of those for whom something of the node is reserved.</summary>
/// <remarks>The classes' shares follow what their Pods ask for: at once when a Pod comes, goes or is resized, and every minute, should somebody else have changed them.</remarks>
sealed class NodeCgroups(KubeletOptions options, ICgroupDriver? driver, MachineInfo machine, Func<IEnumerable<Pod>> active, IRecorder events, Func<Node?> node, TimeProvider time, ILogger log)
{
    static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);
    readonly HashSet<string> _told = [];
    readonly Dictionary<string, (CgroupLimits Limits, DateTimeOffset At)> _written = [];

    public WakeUp Wake { get; } = new();

    public async Task RunAsync(CancellationToken ct)
    {
        if (driver is null) await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
        while (true)
        {
            await OnceAsync(ct).ConfigureAwait(false);
            await Wake.WaitAsync(s_period, time, ct).ConfigureAwait(false);
        }
    }

    public async Task OnceAsync(CancellationToken ct)
    {
        if (driver is null) return;
        var pods = active().ToArray();
        var (_, maxPids) = NodeFigures.Processes();
        await TryAsync("Node Allocatable Limits", "Updated Node Allocatable limit across pods", options.CgroupRoot, NodeLimits.Root(options, machine, maxPids, pods), ct).ConfigureAwait(false);
        await TryAsync("Burstable limits", null, options.CgroupRoot + CgroupNames.Burstable, NodeLimits.Burstable(options, machine, pods), ct).ConfigureAwait(false);
        await TryAsync("BestEffort limits", null, options.CgroupRoot + CgroupNames.BestEffort, NodeLimits.BestEffort(options, machine, pods), ct).ConfigureAwait(false);
        await ReserveAsync("system", options.SystemReservedCgroup, options.SystemReserved, ct).ConfigureAwait(false);
        await ReserveAsync("kube", options.KubeReservedCgroup, options.KubeReserved, ct).ConfigureAwait(false);
        if (options.SystemCgroups.Length > 0)
            try { SystemProcesses.Move(options.CgroupMount, options.SystemCgroups); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { Failed($"Failed to put the machine's processes into \"{options.SystemCgroups}\": {e.Message}"); }
    }

    /// <summary>Those cgroups are somebody else's: they must be there, and are only limited.</summary>
    async Task ReserveAsync(string whose, string path, Map<Quantity> reserved, CancellationToken ct)
    {
        bool whole = options.EnforceNodeAllocatable.Contains(whose + "-reserved"), compressible = options.EnforceNodeAllocatable.Contains(whose + "-reserved-compressible");
        if (!whole && !compressible) return;
        if (driver!.Exists(path))
            await TryAsync($"{whose} reserved limits", $"Updated limits on {whose} reserved cgroup {path}", path, NodeLimits.Reserved(options, reserved, compressible), ct).ConfigureAwait(false);
        else Failed($"Failed to enforce {(whose == "kube" ? "Kube" : "System")} Reserved Cgroup Limits on \"{path}\": cgroup does not exist");
    }

    async Task TryAsync(string what, string? done, string path, CgroupLimits limits, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        if (_written.TryGetValue(path, out var last) && last.Limits == limits && now - last.At < s_period) return;
        try
        {
            await driver!.EnsureAsync(path, limits, ct).ConfigureAwait(false);
            _written[path] = (limits, now);
            if (done is not null && node() is { } about && _told.Add(done)) events.Event(about, "Normal", "NodeAllocatableEnforced", done);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { Failed($"Failed to update {what} \"{path}\": {e.Message}"); }
    }

    void Failed(string message)
    {
        if (!_told.Add(message)) return; // tried again, told once
        log.NodeCgroup(message);
        if (node() is { } about) events.Event(about, "Warning", "FailedNodeAllocatableEnforcement", message);
    }
}
