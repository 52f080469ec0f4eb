using System.Globalization;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Writes limits in v2's words: one folder, weights for shares, <c>max</c> for no limit.</summary>
static class LimitsV2
{
    public static void Write(string folder, CgroupLimits limits, IReadOnlySet<string> controllers)
    {
        if (controllers.Contains("cpu"))
        {
            if (limits.Shares is { } shares) CgroupFile.Write(folder, "cpu.weight", CgroupLimits.Weight(shares));
            if (limits.Quota is { } quota) CgroupFile.Write(folder, "cpu.max", string.Create(CultureInfo.InvariantCulture, $"{CgroupFile.OrMax(quota)} {limits.Period}"));
        }
        if (controllers.Contains("memory"))
        {
            if (limits.Memory is { } bytes) CgroupFile.Write(folder, "memory.max", CgroupFile.OrMax(bytes));
            if (limits.MemoryMin is { } min) CgroupFile.Write(folder, "memory.min", min);
            if (limits.MemoryLow is { } low) CgroupFile.Write(folder, "memory.low", low);
        }
        if (controllers.Contains("pids") && limits.Pids is { } pids) CgroupFile.Write(folder, "pids.max", CgroupFile.OrMax(pids));
        if (controllers.Contains("hugetlb"))
            foreach (var (size, most) in limits.HugePages) CgroupFile.Write(folder, $"hugetlb.{size}.max", CgroupFile.OrMax(most));
    }
}
