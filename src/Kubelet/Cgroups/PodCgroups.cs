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
    /// <exception cref="IOException"/>
    public void Ensure(Pod pod)
    {
        if (!Enabled) return;
        string qos = PodQos.Of(pod.Spec), path = CgroupNames.Path(options.CgroupRoot, qos, pod.Metadata.Uid);
        long period = options.CpuCfsQuotaPeriod.Ticks / 10;
        long shares = qos == "BestEffort" ? 2 : LinuxResources.Shares(PodQos.Total(pod.Spec, "cpu", r => r.Requests, milli: true));
        // A Pod is only limited as a whole when each of its containers is.
        long quota = options.CpuCfsQuota && Limited(pod.Spec, "cpu") ? LinuxResources.Quota(PodQos.Total(pod.Spec, "cpu", r => r.Limits, milli: true), period) : 0;
        long memory = Limited(pod.Spec, "memory") ? PodQos.Total(pod.Spec, "memory", r => r.Limits, milli: false) : 0;
        if (_v2) EnsureV2(path, shares, quota, period, memory); else EnsureV1(path, shares, quota, period, memory);
    }

    void EnsureV1(string path, long shares, long quota, long period, long memory)
    {
        foreach (string controller in (ReadOnlySpan<string>)["cpu", "memory", "pids"])
        {
            string mount = Path.Combine(options.CgroupMount, controller);
            if (!Directory.Exists(mount)) continue;
            string folder = mount + path;
            Directory.CreateDirectory(folder);
            if (controller == "cpu")
            {
                Write(folder, "cpu.shares", shares);
                if (quota > 0) { Write(folder, "cpu.cfs_period_us", period); Write(folder, "cpu.cfs_quota_us", quota); }
            }
            else if (controller == "memory" && memory > 0) Write(folder, "memory.limit_in_bytes", memory);
        }
        if (path.Contains("/besteffort/", StringComparison.Ordinal)) Write(options.CgroupMount + "/cpu" + options.CgroupRoot + "/besteffort", "cpu.shares", 2);
    }

    void EnsureV2(string path, long shares, long quota, long period, long memory)
    {
        string at = options.CgroupMount;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Delegate(at);
            at = Path.Combine(at, part);
            Directory.CreateDirectory(at);
        }
        Delegate(at);
        Write(at, "cpu.weight", 1 + (shares - 2) * 9999 / 262142);
        if (quota > 0) File.WriteAllText(Path.Combine(at, "cpu.max"), string.Create(CultureInfo.InvariantCulture, $"{quota} {period}"));
        if (memory > 0) Write(at, "memory.max", memory);
    }

    /// <summary>Lets children have the controllers there are.</summary>
    static void Delegate(string folder)
    {
        string[] has = File.ReadAllText(Path.Combine(folder, "cgroup.controllers")).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        string wanted = string.Join(' ', s_v2.Where(has.Contains).Select(c => "+" + c));
        if (wanted.Length > 0) File.WriteAllText(Path.Combine(folder, "cgroup.subtree_control"), wanted);
    }

    static bool Limited(PodSpec spec, string resource) =>
        spec.Resources is { } whole && whole.Limits.ContainsKey(resource) || spec.Containers.Concat(spec.InitContainers).All(c => c.Resources.Limits[resource].Sign > 0);

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
