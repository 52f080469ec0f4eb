using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Tests.Nodes;

namespace Hanbae.Kubelet.Tests.Cgroups;

/// <summary>A driver over a tree of files: a made-up one, or the machine's own.</summary>
sealed class DriverRig : IAsyncDisposable
{
    readonly string _mount;
    readonly bool _made, _systemd;

    DriverRig(string mount, bool made, FakeBus? bus)
    {
        (_mount, _made, _systemd, Bus) = (mount, made, bus is not null, bus);
        var tree = new CgroupTree(mount);
        V2 = tree.V2;
        Driver = bus is null ? new FileCgroups(tree) : new SystemdCgroups(tree, new(bus.Path, TimeProvider.System));
    }

    public ICgroupDriver Driver { get; }
    public FakeBus? Bus { get; }
    public bool V2 { get; }
    public string Root { get; } = $"/hanbae-test-{Environment.ProcessId}-{Guid.NewGuid():n}"[..30] + "/kubepods";

    public static DriverRig V1Files() => new(Made("cpu", "memory", "pids", "hugetlb", "freezer"), true, null);

    public static DriverRig V2Files() => new(Made(), true, null);

    public static DriverRig SystemdOnV1() => new(Made("cpu", "memory", "pids", "systemd"), true, new());

    public static DriverRig SystemdOnV2() => new(Made(), true, new());

    public static DriverRig Machine() => new("/sys/fs/cgroup", false, null);

    static string Made(params string[] hierarchies)
    {
        string mount = Directory.CreateTempSubdirectory("hanbae-cgroups-").FullName;
        foreach (string hierarchy in hierarchies) Directory.CreateDirectory(Path.Combine(mount, hierarchy));
        if (hierarchies.Length == 0) File.WriteAllText(Path.Combine(mount, "cgroup.controllers"), "cpuset cpu io memory hugetlb pids rdma misc\n");
        return mount;
    }

    /// <summary>What stands in a file of a cgroup, by its name on v1 (with the hierarchy) and on v2.</summary>
    public string Read(string path, string v1, string v2)
    {
        string folder = _systemd ? CgroupNames.Slices(path) : path;
        string file = V2 ? $"{_mount}{folder}/{v2}" : $"{_mount}/{v1.Split('.')[0]}{folder}/{v1}";
        return File.ReadAllText(file).Trim();
    }

    /// <summary>The kernel removes a cgroup's files with it; of a made-up tree they have to go first.</summary>
    public void Empty()
    {
        if (_made) foreach (string file in Directory.EnumerateFiles(_mount, "*", SearchOption.AllDirectories).Where(f => f != Path.Combine(_mount, "cgroup.controllers"))) File.Delete(file);
    }

    public async ValueTask DisposeAsync()
    {
        if (Bus is not null) Bus.JobResult = "done";
        Empty();
        string top = Root[..Root.LastIndexOf('/')];
        if (Driver.Exists(top)) await Driver.RemoveAsync(top, default);
        await Driver.DisposeAsync();
        if (Bus is not null) await Bus.DisposeAsync();
        if (_made) Directory.Delete(_mount, recursive: true);
    }
}
