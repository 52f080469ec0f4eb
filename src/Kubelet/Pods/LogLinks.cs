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
        return Path.Combine(folders.Links, Fitting(pod, $"{container}-{id}") + Suffix);
    }

    static string Fitting(Pod pod, string rest) =>
        $"{pod.Metadata.Name}_{pod.Metadata.Namespace}_{rest}" is var name && name.Length > MaxName - Suffix.Length ? name[..(MaxName - Suffix.Length)] : name;

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

    /// <summary>Of all containers of a Pod, also those that the runtime no longer knows: a kubelet before this one may have been killed between the two.</summary>
    public static void RemoveAll(PodFolders folders, Pod pod)
    {
        if (folders.Links.Length == 0 || !Directory.Exists(folders.Links)) return;
        string logs = folders.Log(pod.Metadata.Namespace, pod.Metadata.Name, pod.Metadata.Uid) + "/";
        try
        {
            foreach (string link in Directory.EnumerateFiles(folders.Links, Fitting(pod, "") + "*" + Suffix))
                if (new FileInfo(link).LinkTarget?.StartsWith(logs, StringComparison.Ordinal) == true) File.Delete(link);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }
}
