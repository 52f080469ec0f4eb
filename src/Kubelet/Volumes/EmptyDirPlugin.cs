using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Room of the Pod's own, on disk or in memory, gone with the Pod.</summary>
/// <remarks>The limit of memory is the file system's; on disk it is watched by eviction, as upstream does without project quotas.</remarks>
sealed class EmptyDirPlugin(VolumeContext context) : IVolumePlugin
{
    public string Name => "kubernetes.io/empty-dir";

    public bool Serves(Volume volume) => volume.EmptyDir is not null;

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var source = volume.EmptyDir!;
        long? group = context.Mounts.CanOwn ? pod.Spec.SecurityContext?.FsGroup : null;
        string folder = context.MakeFolder(pod.Metadata.Uid, Name, volume.Name, made =>
        {
            if (group is { } id) FsGroup.Apply(made, id, readOnly: false, ct);
        });
        // Permissions and group are given with the mount, so that it too appears finished.
        string own = group is { } gid ? $"mode=3777,gid={gid}" : "mode=1777";
        if (source.Medium == "Memory")
        {
            long size = MemoryLimit(pod, source.SizeLimit, context.Objects.Node);
            context.Mounts.Memory(folder, size > 0 ? $"{own},size={size}" : own);
        }
        else if (source.Medium.StartsWith("HugePages", StringComparison.Ordinal))
            context.Mounts.HugePages(folder, $"{own},pagesize={PageSize(pod, source.Medium)}");
        else if (source.Medium.Length > 0) throw new VolumeException($"unknown storage medium \"{source.Medium}\"");
        return Task.FromResult(new PreparedVolume(folder));
    }

    /// <summary>The least of what the volume, the Pod and the node allow (KEP-1967); 0 is no limit.</summary>
    public static long MemoryLimit(Pod pod, Quantity? sizeLimit, Node? node)
    {
        long limit = node?.Status.Allocatable["memory"].Value() ?? 0;
        foreach (long less in (long[])[PodMemory(pod), sizeLimit?.Value() ?? 0])
            if (less > 0 && (limit == 0 || less < limit)) limit = less;
        return limit;
    }

    /// <summary>What the Pod's memory cgroup is limited to; 0 when a container has no limit.</summary>
    static long PodMemory(Pod pod)
    {
        long overhead = pod.Spec.Overhead["memory"].Value();
        if (pod.Spec.Resources?.Limits["memory"].Value() is > 0 and var ofPod) return ofPod + overhead;
        if (pod.Spec.Containers.Concat(pod.Spec.InitContainers).Any(c => c.Resources.Limits["memory"].IsZero)) return 0;
        long apps = pod.Spec.Containers.Sum(c => c.Resources.Limits["memory"].Value()), sidecars = 0, most = 0;
        foreach (var init in pod.Spec.InitContainers)
        {
            long own = init.Resources.Limits["memory"].Value();
            if (init.RestartPolicy == "Always") sidecars += own; else most = Math.Max(most, sidecars + own);
        }
        return Math.Max(apps + sidecars, most) + overhead;
    }

    /// <summary>In bytes: the medium's, or, for plain <c>HugePages</c>, the one size that the Pod asks for.</summary>
    public static string PageSize(Pod pod, string medium)
    {
        const string resource = "hugepages-", named = "HugePages-";
        string[] sizes = [.. pod.Spec.Containers.Concat(pod.Spec.InitContainers)
            .SelectMany(c => c.Resources.Requests.Select(r => r.Key).Concat(c.Resources.Limits.Select(l => l.Key)))
            .Where(name => name.StartsWith(resource, StringComparison.Ordinal)).Select(name => name[resource.Length..]).Distinct()];
        string size = medium.StartsWith(named, StringComparison.Ordinal) ? medium[named.Length..]
            : sizes.Length == 1 ? sizes[0]
            : throw new VolumeException(sizes.Length == 0 ? "medium HugePages needs a huge page resource request"
                : "medium HugePages can only be used with one huge page size; name it, such as HugePages-2Mi");
        return Array.IndexOf(sizes, size) >= 0
            ? Quantity.Parse(size).Value().ToString(CultureInfo.InvariantCulture)
            : throw new VolumeException($"medium \"{medium}\" needs a request of hugepages-{size}");
    }
}
