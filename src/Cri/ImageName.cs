namespace Hanbae.Cri;

/// <summary>Completes an image's name as runtimes do: <c>busybox</c> means <c>docker.io/library/busybox:latest</c>.</summary>
public static class ImageName
{
    /// <returns>Registry, repository and tag or digest; null for what no name can be.</returns>
    public static string? Normalize(string name)
    {
        int at = name.IndexOf('@');
        string digest = at < 0 ? "" : name[at..];
        string rest = at < 0 ? name : name[..at];
        int colon = rest.LastIndexOf(':');
        string tag = colon > rest.LastIndexOf('/') ? rest[colon..] : "";
        string path = rest[..(rest.Length - tag.Length)];

        int slash = path.IndexOf('/');
        string first = slash < 0 ? "" : path[..slash];
        bool hasRegistry = first.Contains('.') || first.Contains(':') || first == "localhost" || first.Any(char.IsAsciiLetterUpper);
        string repository = hasRegistry ? path[(slash + 1)..] : path;
        if (repository.Length == 0 || !IsRepository(repository) || tag == ":" || (at >= 0 && digest.IndexOf(':') < 0)) return null;

        string registry = hasRegistry ? first : "docker.io";
        if (registry == "docker.io" && !repository.Contains('/')) repository = "library/" + repository;
        return $"{registry}/{repository}{(digest.Length > 0 ? digest : tag.Length > 0 ? tag : ":latest")}";
    }

    static bool IsRepository(string text) =>
        text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '/' or '.' or '_' or '-')
        && !text.Contains("//") && text[0] != '/' && text[^1] != '/';
}
