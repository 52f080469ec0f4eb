using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hanbae.EndToEnd.Rig;

/// <summary>Looks for whatever a cluster may leave on its machine; knows the names a node goes by, but not the program's own list of them.</summary>
public static class Leftovers
{
    public static async Task<IReadOnlyList<string>> OfAsync(string dataDir)
    {
        string id = Id(dataDir);
        var left = new List<string>();
        left.AddRange(File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' ')[4])
            .Where(m => m.StartsWith(dataDir + "/", StringComparison.Ordinal) || m.StartsWith(Run(dataDir), StringComparison.Ordinal)).Select(m => "mount " + m));
        left.AddRange(Directory.EnumerateDirectories("/sys/class/net").Select(Path.GetFileName).Where(l => l!.StartsWith("hb" + id, StringComparison.Ordinal)).Select(l => "link " + l));
        if (Program.Find("nft") is { } nft && System.Environment.IsPrivilegedProcess)
            left.AddRange((await Program.RunAsync(nft, ["list", "tables"])).Out.Split('\n').Where(t => t.Contains("hanbae_" + id, StringComparison.Ordinal)));
        if (Directory.Exists("/sys/fs/cgroup"))
            left.AddRange(Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(c => Path.Combine(c, "hanbae-" + id)).Where(Directory.Exists).Select(c => "cgroup " + c));
        left.AddRange(Processes(dataDir));
        foreach (string folder in (string[])[dataDir, Run(dataDir)])
            if (Directory.Exists(folder)) left.Add("folder " + folder);
        return left;
    }

    /// <summary>The number of a process as its file tells it; null when there is none, or it is dead.</summary>
    public static int? Process(string dataDir, string file)
    {
        foreach (string path in (string[])[Path.Combine(Run(dataDir), file), Path.Combine(dataDir, "run", file)])
            if (File.Exists(path) && int.TryParse(File.ReadAllText(path).Split(' ')[0], CultureInfo.InvariantCulture, out int pid) && Directory.Exists($"/proc/{pid}"))
                return pid;
        return null;
    }

    /// <summary>Processes whose command line names the cluster's folders: hanbae, containerd, its shims.</summary>
    static IEnumerable<string> Processes(string dataDir)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out int pid) || pid == System.Environment.ProcessId) continue;
            string line;
            try { line = File.ReadAllText(folder + "/cmdline").Replace('\0', ' '); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue; // It ended, or is somebody else's.
            }
            if (line.Contains(dataDir + " ", StringComparison.Ordinal) || line.Contains(dataDir + "/", StringComparison.Ordinal) || line.Contains(Run(dataDir), StringComparison.Ordinal))
                yield return $"process {pid}: {line}";
        }
    }

    internal static string Run(string dataDir) => "/run/hanbae/" + Id(dataDir);

    static string Id(string dataDir) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(dataDir)).AsSpan(0, 4));
}
