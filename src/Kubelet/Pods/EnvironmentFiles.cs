using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Pods;

/// <summary>Variables that an earlier container of the Pod wrote into a file of an emptyDir (KEP-3721).</summary>
static class EnvironmentFiles
{
    /// <summary>More than this is no list of variables; a container could have written anything.</summary>
    const int MaxLength = 1 << 20;

    /// <returns>Null for an optional variable that is not there.</returns>
    /// <exception cref="ContainerConfigException"/>
    public static string? Value(Pod pod, FileKeySelector reference, PodFolders folders)
    {
        if (!pod.Spec.Volumes.Exists(v => v.Name == reference.VolumeName && v.EmptyDir is not null))
            throw new ContainerConfigException($"cannot find the volume {GoQuote.Text(reference.VolumeName)} referenced by FileKeyRef");
        string folder = folders.Volume(pod.Metadata.Uid, "kubernetes.io/empty-dir", reference.VolumeName);
        string? value;
        try { value = Find(Read(folder, reference.Path), reference.Key); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException) { throw new ContainerConfigException("couldn't parse env file"); }
        if (!string.IsNullOrEmpty(value)) return value;
        return reference.Optional == true ? null
            : throw new ContainerConfigException($"environment variable key {GoQuote.Text(reference.Key)} not found in file {GoQuote.Text(Path.Combine(folder, reference.Path))}");
    }

    static string Read(string folder, string path)
    {
        using var top = Native.OpenAt(null, Native.Bytes(folder), Native.PathOnly | Native.Folder, out int error) ?? throw Tree.Failure("open", folder, error);
        using var file = Native.OpenBeneath(top, path, out error) ?? throw Tree.Failure("open", path, error);
        if (Native.Status(file) is not { IsFile: true }) throw new IOException($"{path} is not a file"); // a pipe would hold us up for ever
        using var stream = new FileStream(Native.PathOf(file), FileMode.Open, FileAccess.Read);
        return stream.Length <= MaxLength ? new StreamReader(stream).ReadToEnd() : throw new IOException($"{path} is too long");
    }

    /// <summary>The value of a key in lines <c>KEY='value'</c>, a small part of what a shell reads: quotes are needed, may span lines, and hold everything literally.</summary>
    /// <returns>Null when the key is not there; an assignment without quotes, <c>KEY=</c>, is empty.</returns>
    /// <exception cref="FormatException">The text is not of that form, up to the key.</exception>
    public static string? Find(string text, string key)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = text.IndexOf('\n', at) is >= 0 and var e ? e : text.Length;
            string line = text[at..end].TrimEnd('\r').TrimStart(' ', '\t');
            int start = at + (text[at..end].Length - text[at..end].TrimStart(' ', '\t').Length);
            at = end + 1;
            if (line.Length == 0 || line[0] == '#') continue;

            int equals = line.IndexOf('=');
            string name = equals < 0 ? "" : line[..equals];
            if (name.Length == 0 || name.AsSpan().IndexOfAny(' ', '\t') >= 0) throw new FormatException("no variable name before '='");
            string value = "", rest = line[(equals + 1)..];
            if (rest.StartsWith('\''))
            {
                int open = start + equals + 2, close = text.IndexOf('\'', open);
                if (close < 0) throw new FormatException("a quote is not closed");
                value = text[open..close];
                end = text.IndexOf('\n', close) is >= 0 and var after ? after : text.Length;
                rest = text[(close + 1)..end].TrimEnd('\r');
                at = end + 1;
                if (rest.Length > 0 && rest[0] is not (' ' or '\t')) throw new FormatException("something follows a quote");
                if (rest.Trim(' ', '\t') is { Length: > 0 } more && more[0] != '#') throw new FormatException("something follows a value");
            }
            else if (rest.Length > 0 && rest[0] is not (' ' or '\t')) throw new FormatException("a value is not in single quotes");
            if (name == key) return value;
        }
        return null;
    }
}
