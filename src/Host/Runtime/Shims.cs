using System.Globalization;

namespace Hanbae.Host.Runtime;

/// <summary>What containerd's shims leave when containerd itself cannot clear up after them.</summary>
static class Shims
{
    /// <returns>Shims of the containerd with this socket: each is told it by <c>-address</c>.</returns>
    public static IEnumerable<int> Of(string socket)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) continue;
            string[] arguments = ReadOr(folder + "/cmdline").Split('\0');
            int at = Array.IndexOf(arguments, "-address");
            if (at >= 0 && at + 1 < arguments.Length && arguments[at + 1] == socket && arguments[0].Contains("containerd-shim", StringComparison.Ordinal)) yield return pid;
        }
    }

    /// <returns>First processes of containers, each only when its cgroup still names the container: numbers are recycled.</returns>
    public static IEnumerable<int> Containers(string state)
    {
        foreach (string bundle in Bundles(state))
            if (int.TryParse(ReadOr(bundle + "/init.pid"), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && ReadOr($"/proc/{pid}/cgroup").Contains(Path.GetFileName(bundle), StringComparison.Ordinal))
                yield return pid;
    }

    /// <returns>The sockets shims listened on; they are outside containerd's own folders, under a hash of its socket and the container.</returns>
    public static IEnumerable<string> Sockets(string state) => Bundles(state).Select(b => ReadOr(b + "/address").Trim())
        .Where(a => a.StartsWith("unix:///", StringComparison.Ordinal)).Select(a => a["unix://".Length..]);

    static IEnumerable<string> Bundles(string state)
    {
        string tasks = state + "/io.containerd.runtime.v2.task";
        return Directory.Exists(tasks) ? Directory.EnumerateDirectories(tasks).SelectMany(Directory.EnumerateDirectories) : [];
    }

    static string ReadOr(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllText(file) : "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
