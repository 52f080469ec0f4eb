using System.Globalization;
using System.Text.Json;

namespace Hanbae.EndToEnd.Rig;

/// <summary>The kubectl programs of this machine: the versions that stand beside the one in PATH, as some distributions ship them, or that one.</summary>
public static class Kubectl
{
    static readonly string[] Wanted = ["1.27", "1.30", "1.33"];

    /// <summary>Oldest first: the ones to use where a few versions are enough.</summary>
    public static IReadOnlyList<string> All { get; } = Find(v => Wanted.Contains(v));

    /// <summary>Every version there is, oldest first.</summary>
    public static IReadOnlyList<string> Each { get; } = Find(_ => true);

    /// <summary>The one to use where the version is not the point.</summary>
    public static string Newest => All[^1];

    /// <summary>The minor version of a program of these: 33 for 1.33.</summary>
    public static async Task<int> MinorAsync(string kubectl)
    {
        string said = (await Program.RunAsync(kubectl, ["version", "--client", "-o", "json"])).Ok();
        string minor = JsonDocument.Parse(said).RootElement.GetProperty("clientVersion").GetProperty("minor").GetString()!;
        return int.Parse(minor.TrimEnd('+'), CultureInfo.InvariantCulture);
    }

    static List<string> Find(Func<string, bool> wanted)
    {
        if (Program.Find("kubectl") is not { } kubectl) return [];
        string folder = Path.GetDirectoryName(new FileInfo(kubectl).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? kubectl)!;
        var found = Directory.GetFiles(folder, "kubectl.1.*").Where(f => Version.TryParse(Path.GetFileName(f)["kubectl.".Length..], out var v) && wanted(v.ToString()))
            .OrderBy(f => Version.Parse(Path.GetFileName(f)["kubectl.".Length..])).ToList();
        return found.Count > 0 ? found : [kubectl];
    }
}
