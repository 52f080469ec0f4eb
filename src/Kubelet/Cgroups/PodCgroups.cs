using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Makes a cgroup for each Pod, with limits for it as a whole, and removes those of Pods that are gone; on v1's hierarchies or v2's one.</summary>
/// <remarks>What lies outside the configured root is never touched: the machine's other nodes have their Pods there.</remarks>
public sealed class PodCgroups(KubeletOptions options)
{
    // Those of v1 that the kubelet sets or that must be removed after the runtime has made them.
    static readonly string[] s_v1 = ["cpu", "memory", "pids", "cpuset", "cpuacct", "blkio", "devices", "freezer", "hugetlb", "net_cls", "net_prio", "perf_event", "systemd", "unified"];
    static readonly string[] s_v2 = ["cpu", "cpuset", "io", "memory", "hugetlb", "pids"];

    readonly bool _v2 = File.Exists(Path.Combine(options.CgroupMount, "cgroup.controllers"));

    /// <summary>None with the systemd driver: the runtime makes the slices.</summary>
    bool Enabled => options.CgroupMount.Length > 0 && !options.SystemdCgroups && Directory.Exists(options.CgroupMount);

    /// <summary>Idempotent; also brings changed limits into force.</summary>
    /// <param name="also">The same Pod with what its containers still have: each limit is then the wider of both.</param>
    /// <param name="withoutQuota">A container of it has CPUs for itself, all of which it may use.</param>
    /// <exception cref="IOException"/>
    public void Ensure(Pod pod, Pod? also = null, bool withoutQuota = false)
    {
        if (!Enabled) return;
        string qos = PodQos.Of(pod.Spec), path = CgroupNames.Path(options.CgroupRoot, qos, pod.Metadata.Uid);
        var limits = PodLimits.Of(pod.Spec, qos, options);
        if (also is not null && also != pod) limits = limits.Or(PodLimits.Of(also.Spec, qos, options));
        if (withoutQuota) limits = limits with { Quota = 0 };
        if (_v2) EnsureV2(path, limits); else EnsureV1(path, limits);
    }

    void EnsureV1(string path, PodLimits limits)
    {
        foreach (string controller in (ReadOnlySpan<string>)["cpu", "memory", "pids", "hugetlb"])
        {
            string mount = Path.Combine(options.CgroupMount, controller);
            if (!Directory.Exists(mount)) continue;
            string folder = mount + path;
            Directory.CreateDirectory(folder);
            if (controller == "cpu")
            {
                Write(folder, "cpu.shares", limits.Shares);
                Write(folder, "cpu.cfs_period_us", limits.Period);
                Write(folder, "cpu.cfs_quota_us", limits.Quota > 0 ? limits.Quota : -1);
            }
            else if (controller == "memory") Write(folder, "memory.limit_in_bytes", limits.Memory > 0 ? limits.Memory : -1);
            else if (controller == "hugetlb") HugePages(folder, limits, "limit_in_bytes");
            else if (options.PodPidsLimit > 0) Write(folder, "pids.max", options.PodPidsLimit);
        }
        if (path.Contains("/besteffort/", StringComparison.Ordinal)) Write(options.CgroupMount + "/cpu" + options.CgroupRoot + "/besteffort", "cpu.shares", 2);
    }

    void EnsureV2(string path, PodLimits limits)
    {
        string at = options.CgroupMount;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Delegate(at);
            at = Path.Combine(at, part);
            Directory.CreateDirectory(at);
        }
        Delegate(at);
        Write(at, "cpu.weight", 1 + (limits.Shares - 2) * 9999 / 262142);
        File.WriteAllText(Path.Combine(at, "cpu.max"), string.Create(CultureInfo.InvariantCulture, $"{(limits.Quota > 0 ? limits.Quota.ToString(CultureInfo.InvariantCulture) : "max")} {limits.Period}"));
        File.WriteAllText(Path.Combine(at, "memory.max"), limits.Memory > 0 ? limits.Memory.ToString(CultureInfo.InvariantCulture) : "max");
        if (options.PodPidsLimit > 0) Write(at, "pids.max", options.PodPidsLimit);
        HugePages(at, limits, "max");
    }

    static void HugePages(string folder, PodLimits limits, string file)
    {
        foreach (var (size, bytes) in limits.HugePages)
            if (File.Exists(Path.Combine(folder, $"hugetlb.{size}.{file}"))) Write(folder, $"hugetlb.{size}.{file}", bytes);
    }

    /// <summary>Lets children have the controllers there are.</summary>
    static void Delegate(string folder)
    {
        string[] has = File.ReadAllText(Path.Combine(folder, "cgroup.controllers")).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        string wanted = string.Join(' ', s_v2.Where(has.Contains).Select(c => "+" + c));
        if (wanted.Length > 0) File.WriteAllText(Path.Combine(folder, "cgroup.subtree_control"), wanted);
    }

    /// <summary>Removes the Pod's cgroup in every hierarchy.</summary>
    /// <returns>False while something still holds one.</returns>
    public bool Remove(string uid)
    {
        bool all = true;
        foreach (string folder in Hierarchies().SelectMany(h => Classes(h)).Select(c => Path.Combine(c, "pod" + uid)).Where(Directory.Exists)) all &= RemoveTree(folder);
        return all;
    }

    /// <summary>The Pods that have a cgroup beneath our root.</summary>
    public IReadOnlySet<string> Known() =>
        Hierarchies().SelectMany(Classes).Where(Directory.Exists).SelectMany(c => Directory.EnumerateDirectories(c, "pod*")).Select(p => Path.GetFileName(p)[3..]).ToHashSet();

    /// <summary>Removes the root when no Pod is left in it: for nodes that are thrown away.</summary>
    public void RemoveRoot()
    {
        if (Known().Count > 0) return;
        foreach (string root in Hierarchies().Select(h => h + options.CgroupRoot).Where(Directory.Exists)) RemoveTree(root);
    }

    IEnumerable<string> Classes(string hierarchy) => [hierarchy + options.CgroupRoot, hierarchy + options.CgroupRoot + "/burstable", hierarchy + options.CgroupRoot + "/besteffort"];

    IEnumerable<string> Hierarchies() => !Enabled ? [] : _v2 ? [options.CgroupMount] : s_v1.Select(c => Path.Combine(options.CgroupMount, c)).Where(Directory.Exists);

    static bool RemoveTree(string folder)
    {
        try
        {
            foreach (string child in Directory.EnumerateDirectories(folder)) RemoveTree(child);
            Directory.Delete(folder); // rmdir: the files of cgroupfs go with their folder
            return true;
        }
        catch (DirectoryNotFoundException) { return true; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return false; } // still has processes
    }

    static void Write(string folder, string file, long value) => File.WriteAllText(Path.Combine(folder, file), value.ToString(CultureInfo.InvariantCulture));
}
