using System.Text.RegularExpressions;

namespace Hanbae.Cri;

/// <summary>Completes an image's name as runtimes do: <c>busybox</c> means <c>docker.io/library/busybox:latest</c>.</summary>
/// <remarks>The grammar is the distribution project's, which upstream's kubelet and containerd ask, too.</remarks>
public static partial class ImageName
{
    const int Longest = 255;

    /// <returns>Registry, repository and tag, or digest where there is one; null for what no name can be.</returns>
    public static string? Normalize(string name)
    {
        int slash = name.IndexOf('/');
        // What stands before the first slash is a registry only when it looks like a host: otherwise it is a user of docker.io.
        string first = slash < 0 ? "" : name[..slash];
        bool host = first == "localhost" || first.AsSpan().IndexOfAny('.', ':') >= 0 || first.Any(char.IsAsciiLetterUpper);
        string registry = host ? first : "docker.io", rest = host ? name[(slash + 1)..] : name;
        if (registry == "index.docker.io") registry = "docker.io";
        if (!Registry().IsMatch(registry) || Rest().Match(rest) is not { Success: true } match) return null;

        string repository = match.Groups["repository"].Value, tag = match.Groups["tag"].Value, digest = match.Groups["digest"].Value;
        if (registry == "docker.io" && !repository.Contains('/')) repository = "library/" + repository;
        if (registry.Length + 1 + repository.Length > Longest) return null;
        // Who names the content needs no tag, and may not be led elsewhere by one.
        return $"{registry}/{repository}{(digest.Length > 0 ? digest : tag.Length > 0 ? tag : ":latest")}";
    }

    [GeneratedRegex(@"^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Registry();

    [GeneratedRegex(@"^(?<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
        + @"(?<tag>:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?<digest>@sha(?:256|384|512):[0-9a-f]+)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Rest();
}
