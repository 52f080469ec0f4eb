using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>Names containers' logs in one folder, <c>POD_NAMESPACE_CONTAINER-ID.log</c>: where log collectors of clusters look for them.</summary>
static class LogLinks
{
    const int MaxName = 255; // of a file
    const string Suffix = ".log";

    /// <returns>Null where nobody wants links.</returns>
    public static string? PathOf(PodFolders folders, Pod pod, string container, string id)
    {
        if (folders.Links.Length == 0) return null;
        string name = $"{pod.Metadata.Name}_{pod.Metadata.Namespace}_{container}-{id}";
        return Path.Combine(folders.Links, (name.Length > MaxName - Suffix.Length ? name[..(MaxName - Suffix.Length)] : name) + Suffix);
    }

    /// <summary>A log without a link is still a log: what stands in the way is not the container's trouble.</summary>
    public static void Make(PodFolders folders, Pod pod, string container, string id, string log)
    {
        if (PathOf(folders, pod, container, id) is not { } link || !File.Exists(log)) return;
        try
        {
            Directory.CreateDirectory(folders.Links);
            File.Delete(link);
            File.CreateSymbolicLink(link, log);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    public static void Remove(PodFolders folders, Pod pod, string container, string id)
    {
        if (PathOf(folders, pod, container, id) is not { } link) return;
        try { File.Delete(link); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }
}
