namespace Hanbae.EndToEnd.Rig;

/// <summary>The kubectl programs of this machine: the versions that stand beside the one in PATH, as some distributions ship them, or that one.</summary>
public static class Kubectl
{
    static readonly string[] Wanted = ["1.27", "1.30", "1.33"];

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<string> All { get; } = Find();

    /// <summary>The one to use where the version is not the point.</summary>
    public static string Newest => All[^1];

    static List<string> Find()
    {
        if (Program.Find("kubectl") is not { } kubectl) return [];
        string folder = Path.GetDirectoryName(new FileInfo(kubectl).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? kubectl)!;
        var found = Wanted.Select(v => Path.Combine(folder, "kubectl." + v)).Where(File.Exists).ToList();
        return found.Count > 0 ? found : [kubectl];
    }
}
