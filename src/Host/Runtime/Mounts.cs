using System.Collections.Immutable;
using System.Globalization;

namespace Hanbae.Host.Runtime;

/// <summary>One line of mountinfo.</summary>
public sealed record Mount(string Point, string FileSystem, bool Shared)
{
    /// <summary>Which folder of its file system is shown.</summary>
    public string Root { get; init; } = "/";
}

/// <summary>What is mounted where, in the order of mounting.</summary>
public sealed record Mounts(ImmutableArray<Mount> All)
{
    public static Mounts Read() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    public static Mounts Parse(string mountinfo) => new([.. mountinfo.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseLine)]);

    // id parent major:minor root point options [optional fields …] - type source superoptions
    static Mount ParseLine(string line)
    {
        string[] fields = line.Split(' ');
        int dash = Array.IndexOf(fields, "-", 6);
        return new(Unescape(fields[4]), fields[dash + 1], fields[6..dash].Any(f => f.StartsWith("shared:", StringComparison.Ordinal))) { Root = Unescape(fields[3]) };
    }

    /// <summary>The mount a path lies on: the last one mounted among those with the longest point.</summary>
    public Mount? Holding(string path) => All.Where(m => m.Point == path || IsBelow(path, m.Point)).Select((m, i) => (m, i))
        .OrderBy(x => x.m.Point.Length).ThenBy(x => x.i).LastOrDefault().m;

    public Mount? At(string point) => All.LastOrDefault(m => m.Point == point);

    /// <summary>Mounts strictly below a folder, the latest first: the order in which they can be taken away.</summary>
    public IEnumerable<Mount> Below(string folder) => All.Where(m => IsBelow(m.Point, folder)).Reverse();

    /// <summary>Takes away all that is mounted below a folder.</summary>
    /// <returns>Each that there was, and why it is there still; null when it is gone.</returns>
    public static IReadOnlyList<(Mount Mount, string? Why)> Detach(string folder)
    {
        List<(Mount, string?)> done = [];
        foreach (var mount in Read().Below(folder).ToList())
            if (DetachOne(mount) is not { } why) done.Add((mount, null));
            else if (Read().At(mount.Point) is not null) done.Add((mount, why)); // or it went with another one that propagated its unmounting
        return done;
    }

    /// <returns>Why it is there still; null when it is gone.</returns>
    internal static string? DetachOne(Mount mount)
    {
        try
        {
            Native.Detach(mount.Point);
            return null;
        }
        catch (IOException e) { return e.Message; }
    }

    static bool IsBelow(string path, string folder) =>
        folder == "/" ? path != "/" : path.Length > folder.Length && path[folder.Length] == '/' && path.StartsWith(folder, StringComparison.Ordinal);

    // The kernel writes space, tab, newline and backslash as \040, \011, \012 and \134.
    static string Unescape(string field)
    {
        int at = field.IndexOf('\\');
        if (at < 0) return field;
        char octal = (char)(((field[at + 1] - '0') << 6) | ((field[at + 2] - '0') << 3) | (field[at + 3] - '0'));
        return field[..at] + octal.ToString(CultureInfo.InvariantCulture) + Unescape(field[(at + 4)..]);
    }
}
