namespace Hanbae.Host.Images;

/// <summary>Image names in the long form that a container runtime keeps them under.</summary>
public static class ImageName
{
    /// <summary>As docker does: <c>busybox</c> is <c>docker.io/library/busybox:latest</c>.</summary>
    /// <exception cref="ImageException">It cannot be an image name.</exception>
    public static string Normalize(string name)
    {
        int slash = name.IndexOf('/');
        // The part before the first slash is a registry only when it looks like a host: otherwise it is a user of docker.io.
        string first = slash < 0 ? "" : name[..slash];
        bool host = first == "localhost" || first.AsSpan().IndexOfAny('.', ':') >= 0 || first.Any(char.IsAsciiLetterUpper);
        string registry = host ? first : "docker.io", path = host ? name[(slash + 1)..] : name;
        if (registry == "index.docker.io") registry = "docker.io";
        if (registry == "docker.io" && !path.Contains('/', StringComparison.Ordinal)) path = "library/" + path;

        int at = path.IndexOf('@');
        string tail = at < 0 ? "" : path[at..];
        string tagged = at < 0 ? path : path[..at];
        int colon = tagged.IndexOf(':');
        string repository = colon < 0 ? tagged : tagged[..colon], tag = colon < 0 ? "" : tagged[colon..];
        if (!IsRepository(repository) || !IsTag(tag) || (at >= 0 && !tail.StartsWith("@sha256:", StringComparison.Ordinal)))
            throw new ImageException($"\"{name}\" is not an image name: it should look like busybox:1.35 or registry.example/team/app:v2, in lower case");
        if (tag.Length == 0 && at < 0) tag = ":latest";
        return $"{registry}/{repository}{tag}{tail}";
    }

    static bool IsRepository(string path) => path.Split('/').All(part =>
        part.Length > 0 && char.IsAsciiLetterOrDigit(part[0]) && char.IsAsciiLetterOrDigit(part[^1]) && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-'));

    static bool IsTag(string tag) => tag.Length == 0
        || (tag.Length is > 1 and <= 129 && tag[1] is not ('.' or '-') && tag.AsSpan(1).IndexOfAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") < 0);
}

/// <summary>What is wrong with an image or archive, in words for the person who gave it.</summary>
public sealed class ImageException(string message, Exception? inner = null) : Exception(message, inner);
