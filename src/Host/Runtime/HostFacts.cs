using System.Globalization;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Host.Runtime;

public enum CgroupLayout
{
    /// <summary>One tree with all controllers.</summary>
    V2,
    /// <summary>A tree per controller.</summary>
    V1,
    /// <summary>A tree per controller, and v2 beside them at <c>unified</c> with none that v1 has.</summary>
    Hybrid,
}

/// <summary>What this host can do, as far as containerd's configuration depends on it.</summary>
/// <param name="MayLowerOomScore">Whether CAP_SYS_RESOURCE is to be had: without it every sandbox start fails that asks for a negative score.</param>
/// <param name="UnifiedHasControllers">On a hybrid host: some controller is bound to v2, which crun refuses to mix with v1.</param>
/// <param name="DataFileSystem">The kind of file system the data folder is on.</param>
public sealed record HostFacts(
    bool MayLowerOomScore, bool AppArmor, CgroupLayout Cgroups, bool UnifiedHasControllers, string DataFileSystem,
    string? Containerd, string? Runc, string? Crun, string? CniPlugins)
{
    const int CapSysResource = 24;

    public static HostFacts Read(NodePaths paths) => new(
        MayLowerOomScore: BoundingSetHas(File.ReadAllText("/proc/self/status"), CapSysResource),
        AppArmor: ReadOr("/sys/module/apparmor/parameters/enabled", "N").StartsWith('Y'),
        Cgroups: File.Exists("/sys/fs/cgroup/cgroup.controllers") ? CgroupLayout.V2
            : File.Exists("/sys/fs/cgroup/unified/cgroup.controllers") ? CgroupLayout.Hybrid : CgroupLayout.V1,
        UnifiedHasControllers: ReadOr("/sys/fs/cgroup/unified/cgroup.controllers", "").Trim().Length > 0,
        DataFileSystem: MountTable.Read().Holding(paths.Data)?.Type ?? "",
        Containerd: Tool.Find("containerd"),
        Runc: Tool.Find("runc"),
        Crun: Tool.Find("crun"),
        CniPlugins: Cni.FindPlugins(File.Exists));

    internal static bool BoundingSetHas(string status, int capability)
    {
        const string Name = "CapBnd:";
        string? line = status.Split('\n').FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
        return line is not null && (ulong.Parse(line[Name.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> capability & 1) == 1;
    }

    static string ReadOr(string file, string otherwise) => File.Exists(file) ? File.ReadAllText(file) : otherwise;
}
