using Hanbae.Host.Runtime;

namespace Hanbae.Host.Settings;

/// <summary>Knows of the other clusters of this machine: each notes its data folder in its run folder.</summary>
static class OtherClusters
{
    const string Note = "data-folder";

    public static void Register(NodePaths paths)
    {
        Directory.CreateDirectory(paths.Run);
        File.WriteAllText(Path.Combine(paths.Run, Note), paths.Data);
    }

    public static IEnumerable<string> DataFolders(NodePaths except)
    {
        if (!Directory.Exists(NodePaths.RunRoot)) yield break;
        foreach (string run in Directory.EnumerateDirectories(NodePaths.RunRoot))
            if (run != except.Run && File.Exists(Path.Combine(run, Note))) yield return File.ReadAllText(Path.Combine(run, Note));
    }
}
