using System.Globalization;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Host.Runtime;

/// <summary>Takes a node off its host: everything it made, nothing else.</summary>
/// <remarks>
/// May be repeated, and interrupted: each step looks at what is there. First the tidy way, by the container runtime; then whatever that
/// left, found by the node's own names. The data folder goes last, and only when no mount is left below it: a volume's subPath is
/// somebody's folder mounted there, and a recursive delete would empty it.
/// </remarks>
public sealed class Reset(NodePaths paths, TimeProvider time)
{
    static readonly TimeSpan RuntimeLimit = TimeSpan.FromMinutes(3);
    readonly Containerd _containerd = new(paths, time);
    readonly Teardown _teardown = new(paths, time);

    /// <param name="endpoint">The runtime the node used, when it is not its own containerd.</param>
    /// <exception cref="RuntimeException">The folder is not Hanbae's.</exception>
    public async Task<ResetReport> RunAsync(string? endpoint, Action<string> say, CancellationToken ct)
    {
        var report = new ResetReport(say);
        bool anything = Directory.Exists(paths.Data) && Directory.EnumerateFileSystemEntries(paths.Data).Any();
        if (anything && !DataFolder.IsClaimed(paths) && !OtherClusters.IsNoted(paths))
            throw new RuntimeException($"{paths.Data} was not made by Hanbae ({Path.GetFileName(paths.Marker)} is missing): nothing was removed");

        if (await _teardown.StopHanbaeAsync(ct)) report.Removed("the hanbae process");
        await RemovePodsAsync(endpoint, report, ct);
        if (await _containerd.StopAsync(ct)) report.Removed("containerd");
        KillLeftovers(report);
        if (await CniLeftovers.DeleteAsync(paths, ct) is > 0 and var owed) report.Removed($"CNI state of {owed} pods");
        string? elsewhere = KubeletFolder.Elsewhere(paths);
        Unmount(report);
        await RemoveNetworkAsync(report, ct);
        // Told first: it would make them anew. A slice that is gone by then is none the worse.
        if (Cgroups.Roots("/" + paths.Slice).Count > 0 && Tool.Find("systemctl") is not null) await Tool.RunAsync("systemctl", ["stop", paths.Slice], ct: ct);
        foreach (string cgroup in CgroupRoots())
        {
            if (await Cgroups.RemoveAsync(cgroup, time, ct)) report.Removed("cgroup " + cgroup);
            else report.Left("cgroup " + cgroup);
        }
        if (PodLogs.Remove(paths.Kubelet + "/pods") is > 0 and var logs) report.Removed($"logs of {logs} pods");
        RemoveFolder(paths.Run, report);
        // The data folder's link is what leads there, and goes after it.
        if (elsewhere is not null) RemoveFolder(elsewhere, report);
        RemoveFolder(paths.Data, report);
        if (!Directory.Exists(paths.Run)) await HostFootprint.RemoveUnusedAsync(report, ct);
        return report;
    }

    async Task RemovePodsAsync(string? endpoint, ResetReport report, CancellationToken ct)
    {
        // containerd's database says whether there can be pods; after a crash or `down` it is started once more to remove them.
        bool own = endpoint is null;
        if (own && !(File.Exists(paths.ContainerdRoot + "/io.containerd.metadata.v1.bolt/meta.db") && File.Exists(paths.ContainerdConfig))) return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(RuntimeLimit);
        try
        {
            if (own) await _containerd.EnsureRunningAsync(limit.Token);
            using var runtime = new NodeCri(endpoint ?? paths.Endpoint);
            if (await _teardown.RemoveSandboxesAsync(runtime, foreign: !own, limit.Token) is > 0 and var count) report.Removed($"{count} pods");
        }
        catch (Exception e) when (e is RuntimeException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            if (own) return; // The steps that follow need no containerd.
            report.Left($"the pods in {endpoint}: {e.Message}");
        }
    }

    IReadOnlyList<string> CgroupRoots() => [.. Cgroups.Roots(paths.CgroupRoot), .. Cgroups.Roots("/" + paths.Slice), .. Cgroups.Strays(paths.Slice)];

    void KillLeftovers(ResetReport report)
    {
        var left = Cgroups.Processes(CgroupRoots()).Concat(Shims.Of(paths.Socket)).Concat(Shims.Containers(paths.ContainerdState)).ToHashSet();
        foreach (int pid in left) Native.Kill(pid, Native.SigKill);
        if (left.Count > 0) report.Removed($"{left.Count} processes of its containers");
        foreach (string socket in Shims.Sockets(paths.ContainerdState)) File.Delete(socket);
    }

    void Unmount(ResetReport report)
    {
        foreach (var (mount, why) in KubeletFolder.Detach(paths).Concat(Mounts.Detach(paths.Run)))
            if (why is null) report.Removed("mount " + mount.Path);
            else report.Left($"mount {mount.Path}: {why}");
    }

    async Task RemoveNetworkAsync(ResetReport report, CancellationToken ct)
    {
        if (Directory.Exists("/sys/class/net/" + paths.Bridge))
            Account($"bridge {paths.Bridge}", await Tool.RunAsync("ip", ["link", "delete", paths.Bridge], ct: ct), report);
        if (Tool.Find("nft") is null) return;
        foreach (string table in OwnTables((await Tool.RunAsync("nft", ["list", "tables"], ct: ct)).Output, paths.NftTable))
            Account("nft " + table, await Tool.RunAsync("nft", ["delete", .. table.Split(' ')], ct: ct), report);
    }

    /// <param name="tables">Lines such as <c>table inet hanbae_1a2b3c4d_egress</c>.</param>
    internal static IEnumerable<string> OwnTables(string tables, string name) =>
        tables.Split('\n').Where(t => t.Split(' ') is ["table", _, var n] && (n == name || n.StartsWith(name + "_", StringComparison.Ordinal)));

    static void Account(string what, ToolResult result, ResetReport report)
    {
        if (result.Succeeded) report.Removed(what);
        else report.Left($"{what}: {result.Complaint}");
    }

    static void RemoveFolder(string folder, ResetReport report)
    {
        if (!Directory.Exists(folder)) return;
        var mounts = MountTable.Read();
        if (mounts.Beneath(folder).FirstOrDefault() is { } still)
        {
            report.Left(string.Create(CultureInfo.InvariantCulture, $"folder {folder}: {still.Path} is still mounted in it"));
            return;
        }
        // The marker goes last, so that an interrupted reset can be repeated. A folder that is a disk of its own stays, empty.
        foreach (string entry in Directory.EnumerateFileSystemEntries(folder).Where(e => Path.GetFileName(e) != "lost+found").OrderBy(e => Path.GetFileName(e).StartsWith(".hanbae", StringComparison.Ordinal)).ToList())
        {
            if (new FileInfo(entry) is { Exists: true } or { LinkTarget: not null }) File.Delete(entry);
            else if (Directory.Exists(entry)) Directory.Delete(entry, recursive: true);
            else File.Delete(entry); // a socket
        }
        if (mounts.At(folder) is null) Directory.Delete(folder);
        report.Removed("folder " + folder);
    }
}
