using Hanbae.Host.Commands;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Runtime;

/// <summary>The right to fill, and later to remove, a folder.</summary>
/// <remarks>A folder is claimed only while it is empty or new: whatever is in a claimed folder is therefore Hanbae's to remove.</remarks>
public static class DataFolder
{
    /// <exception cref="RuntimeException">The folder holds something that Hanbae did not put there.</exception>
    public static void Claim(NodePaths paths)
    {
        if (IsClaimed(paths)) return;
        Directory.CreateDirectory(paths.Data);
        // A folder that is a disk of its own has a lost+found from the start.
        if (Directory.EnumerateFileSystemEntries(paths.Data).FirstOrDefault(e => Path.GetFileName(e) != "lost+found") is { } other)
            throw new RuntimeException(OtherClusters.IsNoted(paths)
                ? $"{paths.Data} was removed by other hands, but for {Path.GetFileName(other)}; `{Shared.Again("reset", paths.Data)}` removes what is left of the cluster"
                : $"{paths.Data} already holds {Path.GetFileName(other)}, which Hanbae did not put there; choose an empty or new folder with --data-dir");
        File.WriteAllText(paths.Marker, $"This folder belongs to the Hanbae node {paths.Id}; `hanbae reset` removes all of it.\n");
    }

    public static bool IsClaimed(NodePaths paths) => File.Exists(paths.Marker);
}

/// <summary>The node's surroundings cannot be as asked; the message says what happened, why, and what to do.</summary>
public sealed class RuntimeException(string message, Exception? inner = null) : Exception(message, inner);
