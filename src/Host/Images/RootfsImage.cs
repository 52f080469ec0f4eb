using System.Runtime.InteropServices;

namespace Hanbae.Host.Images;

/// <summary>Makes an image out of a root file system: a folder, or a tar of one.</summary>
public static class RootfsImage
{
    /// <param name="source">A folder, or a tar, plain or gzip.</param>
    /// <param name="archive">The file to write; it is whole or not there.</param>
    /// <returns>The name the image got.</returns>
    public static async Task<string> BuildAsync(string source, string name, OciConfig config, string archive, TimeProvider time, CancellationToken ct)
    {
        string full = FullName.Of(name);
        if (full.Contains('@', StringComparison.Ordinal)) throw new ImageException($"{name}: an image that is yet to be made has no digest; give it a tag");
        foreach (string variable in config.Env)
            if (variable.IndexOf('=') < 1) throw new ImageException($"--env {variable}: write NAME=value");
        string scratch = Path.GetDirectoryName(Path.GetFullPath(archive))!;
        await using var layer = Directory.Exists(source) ? await OciLayer.FromFolderAsync(source, scratch, ct) : await OciLayer.FromTarAsync(source, scratch, ct);
        string partial = archive + ".partial";
        try
        {
            await using (var file = File.Create(partial))
                await OciArchive.WriteAsync(file, layer, config, full, RuntimeInformation.OSArchitecture, time.GetUtcNow(), ct);
            File.Move(partial, archive, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
        return full;
    }
}
