namespace Hanbae.Kubelet.Cgroups;

/// <summary>The kernel's files of cgroups, beneath one mount point: v1's hierarchies or v2's one.</summary>
/// <param name="mount">Usually <c>/sys/fs/cgroup</c>.</param>
sealed class CgroupTree(string mount)
{
    // Those of v1 that the runtime may have made folders in, too.
    static readonly string[] s_v1 = ["cpu", "memory", "pids", "hugetlb", "cpuset", "cpuacct", "blkio", "devices", "freezer", "net_cls", "net_prio", "perf_event", "systemd", "unified"];
    // Those that limits are written to.
    static readonly string[] s_limiting = ["cpu", "memory", "pids", "hugetlb"];
    static readonly string[] s_v2 = ["cpu", "cpuset", "io", "memory", "hugetlb", "pids"];

    public bool V2 { get; } = File.Exists(Path.Combine(mount, "cgroup.controllers"));

    /// <summary>Makes the cgroup with those above it, on v2 with the controllers that there are.</summary>
    /// <exception cref="IOException"/>
    public void Make(string folder)
    {
        if (!V2)
        {
            foreach (string hierarchy in Limiting()) Directory.CreateDirectory(hierarchy + folder);
            return;
        }
        string controllers = string.Join(' ', s_v2.Where(Controllers().Contains).Select(c => "+" + c)), at = mount;
        foreach (string part in folder.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Delegate(at);
            at = Path.Combine(at, part);
            Directory.CreateDirectory(at);
        }
        Delegate(at);

        void Delegate(string to) { if (controllers.Length > 0) CgroupFile.Write(to, "cgroup.subtree_control", controllers); }
    }

    /// <exception cref="IOException"/>
    public void Write(string folder, CgroupLimits limits)
    {
        if (V2) LimitsV2.Write(mount + folder, limits, Controllers());
        else LimitsV1.Write(mount, folder, limits);
    }

    public bool Exists(string folder) => Hierarchies().Any(h => Directory.Exists(h + folder));

    /// <summary>The names of what is directly beneath, in any hierarchy.</summary>
    public IReadOnlySet<string> Children(string folder) =>
        Hierarchies().Select(h => h + folder).Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories).Select(d => Path.GetFileName(d)).ToHashSet();

    /// <returns>False while something still holds it.</returns>
    public bool Remove(string folder)
    {
        bool all = true;
        foreach (string path in Hierarchies().Select(h => h + folder).Where(Directory.Exists)) all &= RemoveTree(path);
        return all;
    }

    IEnumerable<string> Hierarchies() => V2 ? [mount] : s_v1.Select(c => Path.Combine(mount, c)).Where(Directory.Exists);

    IEnumerable<string> Limiting() => s_limiting.Select(c => Path.Combine(mount, c)).Where(Directory.Exists);

    HashSet<string> Controllers() => [.. File.ReadAllText(Path.Combine(mount, "cgroup.controllers")).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)];

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
}
