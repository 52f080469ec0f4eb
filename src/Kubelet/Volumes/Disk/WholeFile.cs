using System.Text;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Writes small files so that a reader finds the old one or the new one, also after the power went: aside, to the disk, then renamed.</summary>
static class WholeFile
{
    /// <exception cref="IOException"/>
    public static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="Write(string, string)"/>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        string aside = path + "~";
        using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        File.Move(aside, path, overwrite: true);
        Native.Sync(Path.GetDirectoryName(path)!);
    }
}
