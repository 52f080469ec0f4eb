using System.Globalization;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Replaces all files of a volume in one step, so that a container reads the old files or the new ones and never a mixture.</summary>
/// <remarks>
/// As upstream: files are written to a new folder <c>..2026_11_22_00_10_05.123</c>; the link <c>..data</c> to it is swapped by rename;
/// what users see is links <c>key → ..data/key</c>. A crash leaves the volume as it was before or after; the next write removes the rest.
/// </remarks>
static class AtomicWriter
{
    const string Data = "..data", Next = "..data_tmp";

    /// <param name="prepare">Called with the new folder before it is shown: sets owners.</param>
    /// <returns>False when everything was so already.</returns>
    /// <exception cref="IOException"/>
    /// <exception cref="VolumeException">A path is not allowed.</exception>
    public static bool Write(string volume, IEnumerable<ContentFile> content, DateTimeOffset now, Action<string> prepare)
    {
        var files = ContentFiles.ByPath(content);
        string? current = CurrentOf(volume);
        bool same = current is not null && IsSame(Path.Combine(volume, current), files);
        if (!same)
        {
            string next = string.Create(CultureInfo.InvariantCulture, $"..{now.UtcDateTime:yyyy_MM_dd_HH_mm_ss}.{Random.Shared.Next(1_000_000_000)}");
            string folder = Path.Combine(volume, next);
            try
            {
                MakeFolder(folder);
                foreach (var file in files.Values) WriteFile(folder, file);
                prepare(folder);
                string link = Path.Combine(volume, Next);
                File.Delete(link);
                File.CreateSymbolicLink(link, next);
                if (Native.Rename(link, Path.Combine(volume, Data)) is not 0 and var error) throw Tree.Failure("rename", link, error);
            }
            catch when (CurrentOf(volume) != next)
            {
                Tree.Delete(folder);
                throw;
            }
            current = next;
        }
        // Also when nothing changed: the last writer may have died before it came here.
        HashSet<string> shown = [.. files.Keys.Select(path => path.Split('/')[0])];
        Show(volume, shown);
        Sweep(volume, shown, current!);
        return !same;
    }

    /// <summary>Whether something was written here; a tmpfs that is gone has nothing.</summary>
    public static bool HasContent(string volume) => CurrentOf(volume) is not null;

    static string? CurrentOf(string volume) =>
        new FileInfo(Path.Combine(volume, Data)).LinkTarget is { } target && Directory.Exists(Path.Combine(volume, target)) ? target : null;

    static bool IsSame(string folder, SortedDictionary<string, ContentFile> files)
    {
        int found = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }))
        {
            if (!files.TryGetValue(Path.GetRelativePath(folder, path), out var file)) return false;
            if (!file.Data.Span.SequenceEqual(File.ReadAllBytes(path))) return false;
            found++;
        }
        return found == files.Count;
    }

    static void MakeFolder(string folder)
    {
        Directory.CreateDirectory(folder);
        if (Native.SetMode(folder, 0x1ED) is not 0 and var error) throw Tree.Failure("chmod", folder, error); // 0755 whatever the umask
    }

    static void WriteFile(string folder, ContentFile file)
    {
        string path = Path.Combine(folder, file.Path);
        for (int slash = file.Path.IndexOf('/'); slash >= 0; slash = file.Path.IndexOf('/', slash + 1)) MakeFolder(Path.Combine(folder, file.Path[..slash]));
        using (var stream = new FileStream(Native.CreateFile(path, 0x180), FileAccess.Write)) // 0600 until it is whole
            stream.Write(file.Data.Span);
        if (file.User is { } user)
        {
            using var handle = Native.OpenAt(null, Native.Bytes(path), Native.PathOnly, out int error);
            if (handle is not null) error = Native.Own(handle, user, -1);
            if (error != 0) throw Tree.Failure("chown", path, error);
        }
        if (Native.SetMode(path, (uint)file.Mode) is not 0 and var failed) throw Tree.Failure("chmod", path, failed);
    }

    static void Show(string volume, HashSet<string> names)
    {
        foreach (string name in names)
        {
            string path = Path.Combine(volume, name);
            if (new FileInfo(path).LinkTarget is null) File.CreateSymbolicLink(path, Path.Combine(Data, name));
        }
    }

    static void Sweep(string volume, HashSet<string> shown, string current)
    {
        foreach (var entry in new DirectoryInfo(volume).EnumerateFileSystemInfos())
        {
            bool old = entry.Name.StartsWith("..", StringComparison.Ordinal) ? entry.Name != Data && entry.Name != current
                : entry.LinkTarget?.StartsWith(Data + "/", StringComparison.Ordinal) == true && !shown.Contains(entry.Name);
            if (old) Tree.Delete(entry.FullName);
        }
    }
}
