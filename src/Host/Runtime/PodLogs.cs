namespace Hanbae.Host.Runtime;

/// <summary>Where containers' logs are: outside the data folder, since log collectors look for them there, each Pod's in a folder that ends in its uid.</summary>
static class PodLogs
{
    /// <summary>As upstream and every collector has it.</summary>
    public const string Folder = "/var/log/pods", Links = "/var/log/containers";

    /// <summary>Removes the logs of Pods that a kubelet keeps a folder for.</summary>
    /// <returns>Of how many Pods there were any.</returns>
    public static int Remove(string pods, string folder = Folder, string links = Links)
    {
        if (!Directory.Exists(pods) || !Directory.Exists(folder)) return 0;
        var mine = Directory.EnumerateDirectories(pods).Select(p => Path.GetFileName(p)).ToHashSet();
        string[] logs = [.. Directory.EnumerateDirectories(folder).Where(f => Path.GetFileName(f) is var name && name.LastIndexOf('_') is > 0 and var at && mine.Contains(name[(at + 1)..]))];
        string[] named = Directory.Exists(links) ? [.. Directory.EnumerateFiles(links).Where(l => new FileInfo(l).LinkTarget is { } target && logs.Any(f => target.StartsWith(f + "/", StringComparison.Ordinal)))] : [];
        foreach (string link in named) File.Delete(link);
        foreach (string log in logs) Directory.Delete(log, recursive: true);
        return logs.Length;
    }
}
