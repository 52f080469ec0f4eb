using System.Collections.Concurrent;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes;

/// <summary>A file, folder, socket or device of the node itself; nothing is mounted, and nobody's ownership changes.</summary>
/// <remarks>As upstream, the type is looked at once for each Pod: what happens to the path later is between the Pod and the node.</remarks>
sealed class HostPathPlugin : IVolumePlugin
{
    /// <summary>Bound: one entry per Pod and volume on the node.</summary>
    readonly ConcurrentDictionary<(string PodUid, string Volume), PreparedVolume> _checked = new();

    public string Name => "kubernetes.io/host-path";

    public bool Serves(Volume volume) => volume.HostPath is not null;

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct) =>
        Task.FromResult(_checked.GetOrAdd((pod.Metadata.Uid, volume.Name), _ => Prepare(volume.HostPath!)));

    public void Forget(string podUid)
    {
        foreach (var key in _checked.Keys) if (key.PodUid == podUid) _checked.TryRemove(key, out _);
    }

    /// <exception cref="VolumeException">What is there is not of the type asked for.</exception>
    public static PreparedVolume Prepare(HostPathVolumeSource source)
    {
        string path = source.Path;
        if (path.Split('/').Contains("..")) throw new VolumeException($"invalid HostPath `{path}`: must not contain '..'");
        var there = Native.Status(path, follow: true);
        bool right;
        string sort;
        switch (source.Type ?? "")
        {
            case "": return new(path);
            case "DirectoryOrCreate" when there is null:
                Directory.CreateDirectory(path);
                if (Native.SetMode(path, 0x1ED) is not 0 and var error) throw Tree.Failure("chmod", path, error); // 0755
                return new(path);
            case "DirectoryOrCreate" or "Directory": (right, sort) = (there is { IsFolder: true }, "a directory"); break;
            case "FileOrCreate" when there is null: // its folder must be there already, as upstream
                Native.CreateFile(path, 0x1A4).Dispose(); // 0644
                return new(path);
            case "FileOrCreate" or "File": (right, sort) = (there is { IsFile: true }, "a file"); break;
            case "Socket": (right, sort) = (there is { IsSocket: true }, "a socket file"); break;
            case "CharDevice": (right, sort) = (there is { IsCharDevice: true }, "a character device"); break;
            case "BlockDevice": (right, sort) = (there is { IsBlockDevice: true }, "a block device"); break;
            default: throw new VolumeException($"{source.Type} is an invalid volume type");
        }
        return right ? new(path) : throw new VolumeException($"hostPath type check failed: {path} is not {sort}");
    }
}
