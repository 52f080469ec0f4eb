using System.Globalization;

namespace Hanbae.Host.Runtime;

/// <summary>The cgroups below a node's own root, in every hierarchy of the host.</summary>
static class Cgroups
{
    const string Mounted = "/sys/fs/cgroup";

    /// <returns>The folders that exist: one on v2, one per controller on v1.</returns>
    public static IReadOnlyList<string> Roots(string cgroupRoot)
    {
        // Links such as cpu -> cpu,cpuacct lead to a hierarchy that is visited anyway.
        var hierarchies = Directory.EnumerateDirectories(Mounted).Where(d => new FileInfo(d).LinkTarget is null).Prepend(Mounted);
        return [.. hierarchies.Select(h => h + cgroupRoot).Where(Directory.Exists)];
    }

    /// <summary>Where a runtime without systemd's driver has put containers that were meant for a slice beneath this one: folders of that name, wherever its own cgroup is.</summary>
    /// <param name="slice">Such as <c>hanbae_1a2b3c4d.slice</c>.</param>
    public static IReadOnlyList<string> Strays(string slice, string mounted = Mounted) =>
        [.. Directory.EnumerateDirectories(mounted, Path.GetFileNameWithoutExtension(slice) + "-*.slice:*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })];

    /// <summary>The processes in these cgroups.</summary>
    public static IReadOnlySet<int> Processes(IEnumerable<string> roots) => roots
        .SelectMany(r => Directory.EnumerateDirectories(r, "*", SearchOption.AllDirectories).Prepend(r))
        .SelectMany(d => ReadLines(d + "/cgroup.procs"))
        .Select(line => int.Parse(line, CultureInfo.InvariantCulture)).ToHashSet();

    /// <summary>Removes them, the deepest first; the kernel refuses while a dying process is still counted, hence the tries.</summary>
    /// <returns>Whether the folder is gone.</returns>
    public static async Task<bool> RemoveAsync(string root, TimeProvider time, CancellationToken ct)
    {
        for (int attempt = 0; attempt < 50; attempt++)
        {
            if (TryRemove(root)) return true;
            await Task.Delay(TimeSpan.FromMilliseconds(40), time, ct);
        }
        return false;
    }

    static bool TryRemove(string root)
    {
        try
        {
            if (!Directory.Exists(root)) return true;
            foreach (string inner in Directory.EnumerateDirectories(root)) TryRemove(inner);
            Directory.Delete(root);
            return true;
        }
        catch (IOException)
        {
            return !Directory.Exists(root);
        }
    }

    static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return []; // It went away, or is a threaded cgroup of v2, whose parent lists its processes.
        }
    }
}
