using System.Globalization;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Puts the machine's processes that have no cgroup into one (<c>systemCgroups</c>), where they can be limited and measured.</summary>
/// <remarks>The first process and the kernel's own stay, as upstream: the kernel would not let them go.</remarks>
static class SystemProcesses
{
    /// <summary>Of v1: not those that need to be told of processors first, nor systemd's own.</summary>
    static readonly string[] s_v1 = ["cpu", "cpuacct", "memory", "pids", "blkio"];

    /// <param name="mount">Of v2, or of the hierarchies of v1.</param>
    /// <returns>How many were moved.</returns>
    /// <exception cref="IOException"/>
    public static int Move(string mount, string cgroup, Func<int, bool>? isKernels = null)
    {
        isKernels ??= IsKernels;
        string[] roots = File.Exists(Path.Combine(mount, "cgroup.controllers")) ? [mount] : [.. s_v1.Select(h => Path.Combine(mount, h)).Where(d => File.Exists(Path.Combine(d, "cgroup.procs")))];
        int moved = 0;
        foreach (string root in roots)
        {
            var mine = File.ReadAllLines(Path.Combine(root, "cgroup.procs")).Select(l => int.TryParse(l, CultureInfo.InvariantCulture, out int pid) ? pid : 0).Where(p => p > 1 && !isKernels(p)).ToArray();
            if (mine.Length == 0) continue;
            Directory.CreateDirectory(root + cgroup);
            foreach (int pid in mine)
                try
                {
                    File.AppendAllText(Path.Combine(root + cgroup, "cgroup.procs"), pid.ToString(CultureInfo.InvariantCulture) + "\n");
                    moved++;
                }
                catch (IOException) { } // it has ended
        }
        return moved;
    }

    /// <summary>Only a process of the kernel has no program.</summary>
    static bool IsKernels(int pid)
    {
        try { return new FileInfo($"/proc/{pid}/exe").LinkTarget is null; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return true; }
    }
}
