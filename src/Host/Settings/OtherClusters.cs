using Hanbae.Host.Runtime;

namespace Hanbae.Host.Settings;

/// <summary>Knows of the other clusters of this machine: each notes its data folder in its run folder.</summary>
static class OtherClusters
{
    /// <summary>Locked while a cluster chooses what no other may have; goes with the last cluster.</summary>
    public const string Lock = NodePaths.RunRoot + "/lock";
    const string Note = "data-folder";
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until no other cluster is choosing; none begins to before the result is disposed of.</summary>
    public static async Task<IDisposable> AloneAsync(CancellationToken ct)
    {
        // Without root there is no node, and a control plane's ranges are its own business.
        if (!Environment.IsPrivilegedProcess) return new MemoryStream();
        while (true)
        {
            Directory.CreateDirectory(NodePaths.RunRoot);
            try { return new FileStream(Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); }
            catch (IOException e) when (e is not PathTooLongException) { await Task.Delay(Glance, ct).ConfigureAwait(false); }
        }
    }

    public static void Register(NodePaths paths)
    {
        Directory.CreateDirectory(paths.Run);
        File.WriteAllText(Path.Combine(paths.Run, Note), paths.Data);
    }

    /// <summary>Whether a cluster of this data folder has been on this machine since it booted and was not reset.</summary>
    public static bool IsNoted(NodePaths paths)
    {
        string note = Path.Combine(paths.Run, Note);
        return File.Exists(note) && File.ReadAllText(note) == paths.Data;
    }

    public static IEnumerable<string> DataFolders(NodePaths except)
    {
        if (!Directory.Exists(NodePaths.RunRoot)) yield break;
        foreach (string run in Directory.EnumerateDirectories(NodePaths.RunRoot))
            if (run != except.Run && File.Exists(Path.Combine(run, Note))) yield return File.ReadAllText(Path.Combine(run, Note));
    }
}
