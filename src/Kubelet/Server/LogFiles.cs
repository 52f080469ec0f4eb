using System.IO.Compression;

namespace Hanbae.Kubelet.Server;

/// <summary>The files of one container's log: the one that the runtime writes, and beside it those that were moved aside, by their time and mostly compressed.</summary>
/// <remarks>Names are upstream's: <c>0.log</c>, <c>0.log.20260102-030405</c>, <c>0.log.20260102-030405.gz</c>; <c>.tmp</c> is what a kubelet was about to write when it ended.</remarks>
static class LogFiles
{
    const string Compressed = ".gz", Unfinished = ".tmp";
    const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    /// <summary>What was moved aside, the oldest first; leftovers of a compression that was broken off are removed.</summary>
    /// <exception cref="IOException"/>
    public static List<string> Aside(string path)
    {
        string[] all = Beside(path, ".");
        var kept = new List<string>();
        foreach (string file in all.Order(StringComparer.Ordinal))
            // Of two that say the same the whole one stays.
            if (file.EndsWith(Unfinished, StringComparison.Ordinal) || all.Contains(file + Compressed)) File.Delete(file);
            else kept.Add(file);
        return kept;
    }

    /// <summary>Compresses a file that nobody writes any more. Whoever has it open reads it to its end.</summary>
    /// <exception cref="IOException"/>
    public static async Task CompressAsync(string file, CancellationToken ct)
    {
        if (file.EndsWith(Compressed, StringComparison.Ordinal)) return;
        string unfinished = file + Unfinished;
        using (var from = File.OpenRead(file))
        using (var to = new FileStream(unfinished, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Mode }))
        using (var gzip = new GZipStream(to, CompressionLevel.Optimal))
            await from.CopyToAsync(gzip, ct).ConfigureAwait(false);
        File.Move(unfinished, file + Compressed, overwrite: true);
        File.Delete(file);
    }

    /// <summary>Removes all of them.</summary>
    /// <exception cref="IOException"/>
    public static void Remove(string path)
    {
        foreach (string file in Beside(path, "")) File.Delete(file);
    }

    // By hand: for the framework's patterns 0.log is an 0.log.*, too.
    static string[] Beside(string path, string rest) => Path.GetDirectoryName(path) is { Length: > 0 } folder && Directory.Exists(folder)
        ? [.. Directory.EnumerateFiles(folder).Where(f => Path.GetFileName(f).StartsWith(Path.GetFileName(path) + rest, StringComparison.Ordinal))] : [];
}
