using System.Text;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>What is mounted where, read from <c>/proc/self/mountinfo</c>: with the disk, all the state that volumes have.</summary>
public static class MountTable
{
    public static IReadOnlyList<MountPoint> Read() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    /// <summary>Of lines such as <c>36 35 98:0 /from /at rw,noatime shared:1 - ext4 /dev/sda1 rw</c>, in the order of mounting.</summary>
    public static IReadOnlyList<MountPoint> Parse(string mountinfo)
    {
        List<MountPoint> points = [];
        foreach (string line in mountinfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash < 6 || fields.Length < dash + 3) continue;
            points.Add(new(Unescape(fields[4]), Unescape(fields[3]), fields[dash + 1], Array.IndexOf(fields[5].Split(','), "ro") >= 0)
            {
                Source = Unescape(fields[dash + 2]), Shared = fields[6..dash].Any(f => f.StartsWith("shared:", StringComparison.Ordinal)),
            });
        }
        return points;
    }

    /// <summary>Beneath a folder (not the folder itself), in the order in which they can be unmounted.</summary>
    public static IEnumerable<MountPoint> Beneath(this IReadOnlyList<MountPoint> points, string folder) =>
        points.Where(p => p.Path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal)).Reverse();

    /// <summary>What a path lies on: the last one mounted among those with the longest path.</summary>
    public static MountPoint? Holding(this IReadOnlyList<MountPoint> points, string path) =>
        points.Where(p => p.Path == path || path.StartsWith(p.Path.TrimEnd('/') + "/", StringComparison.Ordinal)).Select((p, i) => (Point: p, At: i))
            .OrderBy(p => p.Point.Path.Length).ThenBy(p => p.At).LastOrDefault().Point;

    public static MountPoint? At(this IReadOnlyList<MountPoint> points, string path) => points.LastOrDefault(p => p.Path == path);

    /// <summary>The kernel writes blanks, tabs, line ends and backslashes as <c>\040</c>.</summary>
    static string Unescape(string text)
    {
        if (!text.Contains('\\')) return text;
        var made = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                made.Append((char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
                i += 3;
            }
            else made.Append(text[i]);
        }
        return made.ToString();
    }
}

/// <summary>One line of the mount table.</summary>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Root">What of the file system is mounted; a bind mount of a removed file ends in <c>//deleted</c>.</param>
public sealed record MountPoint(string Path, string Root, string Type, bool ReadOnly)
{
    /// <summary>A device, a server's folder, or a word.</summary>
    public string Source { get; init; } = "";
    /// <summary>What is mounted beneath it spreads to other namespaces.</summary>
    public bool Shared { get; init; }
}
