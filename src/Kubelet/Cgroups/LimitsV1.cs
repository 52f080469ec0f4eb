namespace Hanbae.Kubelet.Cgroups;

/// <summary>Writes limits in v1's words: a hierarchy per controller, <c>-1</c> for no limit.</summary>
static class LimitsV1
{
    public static void Write(string mount, string folder, CgroupLimits limits)
    {
        if (At("cpu") is { } cpu)
        {
            if (limits.Shares is { } shares) CgroupFile.Write(cpu, "cpu.shares", shares);
            if (limits.Quota is { } quota)
            {
                CgroupFile.Write(cpu, "cpu.cfs_period_us", limits.Period);
                CgroupFile.Write(cpu, "cpu.cfs_quota_us", quota);
            }
        }
        if (At("memory") is { } memory && limits.Memory is { } bytes) CgroupFile.Write(memory, "memory.limit_in_bytes", bytes);
        if (At("pids") is { } pids && limits.Pids is { } processes) CgroupFile.Write(pids, "pids.max", CgroupFile.OrMax(processes));
        if (At("hugetlb") is { } pages)
            foreach (var (size, most) in limits.HugePages) CgroupFile.Write(pages, $"hugetlb.{size}.limit_in_bytes", most);

        string? At(string controller) => Path.Combine(mount, controller) is var hierarchy && Directory.Exists(hierarchy) ? hierarchy + folder : null;
    }
}
